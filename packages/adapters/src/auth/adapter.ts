import type { ProjectScope } from '@polder/db'
import {
  createUser,
  deleteUser,
  getUserById,
  listUsers,
  updateUserById,
  type CreateUserInput,
  type DeleteUserInput,
  type ListUsersInput,
  type UpdateUserByIdInput,
} from './admin-users.ts'
import { getUser, signOut, updateCurrentUser, type SignOutScope, type UpdateUserInput } from './current-user.ts'
import { createFirstUser, type FirstUserInput } from './first-user.ts'
import { createPasswordHasher, type PasswordHasher } from './password.ts'
import { refreshSession, type RefreshInput } from './refresh-session.ts'
import { requireAdmin } from './require-user.ts'
import { signInWithPassword, type SignInInput } from './sign-in.ts'
import { signUp, type SignUpInput } from './sign-up.ts'
import type { ClientFacts } from './user-session.ts'

export interface AuthAdapterDependencies {
  /** One for the whole process, so that its bound holds for all projects together. */
  passwords?: PasswordHasher
}

export type AuthAdapter = ReturnType<typeof createAuthAdapter>

/** What can be done with a project's users. The first group asks who the caller is by their token; the second takes administrators only. */
export function createAuthAdapter({ passwords = createPasswordHasher() }: AuthAdapterDependencies = {}) {
  return {
    signUp: (project: ProjectScope, input: SignUpInput) => signUp(passwords, project, input),
    signInWithPassword: (project: ProjectScope, input: SignInInput) => signInWithPassword(passwords, project, input),
    refreshSession: (project: ProjectScope, input: RefreshInput) => refreshSession(project, input),
    getUser: (project: ProjectScope) => getUser(project),
    updateUser: (project: ProjectScope, input: UpdateUserInput) => updateCurrentUser(passwords, project, input),
    signOut: (project: ProjectScope, input: { scope: SignOutScope; client: ClientFacts }) => signOut(project, input),

    listUsers: (project: ProjectScope, input: ListUsersInput) => listUsers(project, input),
    getUserById: (project: ProjectScope, userId: string) => getUserById(project, userId),
    createUser: (project: ProjectScope, input: CreateUserInput) => createUser(passwords, project, input),
    updateUserById: (project: ProjectScope, userId: string, input: UpdateUserByIdInput) =>
      updateUserById(passwords, project, userId, input),
    deleteUser: (project: ProjectScope, input: DeleteUserInput) => deleteUser(project, input),
    requireAdmin: (project: ProjectScope) => requireAdmin(project),
    createFirstUser: (project: ProjectScope, input: FirstUserInput) => createFirstUser(passwords, project, input),
    /** Begins a hash for `createFirstUser`. */
    hashPassword: (password: string) => passwords.hash(password),
  }
}
