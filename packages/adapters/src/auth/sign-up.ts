import { randomUUID } from 'node:crypto'
import { ServiceError } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import type { AuthUser } from './auth-user.ts'
import { withDatabaseError } from './database-error.ts'
import { parseEmailAddress } from './email-address.ts'
import { toMetadataJson, type Metadata } from './metadata.ts'
import type { PasswordHasher } from './password.ts'
import { requireStrongPassword } from './password-rules.ts'
import { insertAuditEntry } from './queries/audit-log.ts'
import { confirmUser, findUserById, insertUser } from './queries/users.ts'
import { startSession } from './start-session.ts'
import type { ClientFacts, UserSession } from './user-session.ts'

export interface SignUpInput {
  email: string
  password: string
  /** The user's own metadata. */
  data?: Metadata
  client: ClientFacts
}

export interface SignUpResult {
  user: AuthUser
  /** None while the address waits to be confirmed. */
  session: UserSession | null
}

/**
 * Adds a user who chose a password, and signs them in where the project confirms addresses by itself. An address that is taken
 * is `auth.email_taken` then; otherwise the answer looks like that for a new one, so that nobody learns who is registered.
 */
export async function signUp(passwords: PasswordHasher, project: ProjectScope, input: SignUpInput): Promise<SignUpResult> {
  const { disableSignup, mailerAutoconfirm } = project.configuration.auth
  if (disableSignup) throw new ServiceError('auth.signup_disabled')
  if (input.password === '') throw new ServiceError('auth.validation_failed', { message: 'Signup requires a valid password' })
  requireStrongPassword(project, input.password)
  const email = parseEmailAddress(input.email)
  const data = input.data ?? {}
  const userMetadata = toMetadataJson(data, 'data')
  // before anyone looks whether the address is taken: both take as long
  const passwordHash = await passwords.hash(input.password)

  const id = randomUUID()
  const work = project.db.asOwner(async (tx): Promise<SignUpResult | 'taken'> => {
    const outcome = await insertUser(tx, {
      id,
      email,
      passwordHash,
      role: 'authenticated',
      appMetadata: '{"provider": "email", "providers": ["email"]}',
      userMetadata,
      identityData: JSON.stringify({ ...data, sub: id, email, email_verified: false, phone_verified: false }),
    })
    if (outcome === 'swallowed') throw refusedByTrigger()
    if (outcome === 'taken') {
      await insertAuditEntry(tx, { action: 'user_repeated_signup', actor: { id: NOBODY, name: email }, ip: input.client.ip })
      return 'taken'
    }
    const action = mailerAutoconfirm ? 'user_signedup' : 'user_confirmation_requested'
    await insertAuditEntry(tx, { action, actor: { id, name: email }, ip: input.client.ip, traits: { provider: 'email' } })
    if (mailerAutoconfirm) await confirmUser(tx, id)
    const session = mailerAutoconfirm ? await startSession(tx, project, { userId: id, passwordHash, client: input.client }) : null
    const user = session === null ? await findUserById(tx, id) : session?.user
    if (!user || session === undefined) throw refusedByTrigger()
    return { user, session }
  })
  const result = await withDatabaseError('Database error saving new user', work)
  if (result !== 'taken') return result
  if (mailerAutoconfirm) throw new ServiceError('auth.email_taken')
  return { user: toObfuscatedUser(email, data), session: null }
}

/** Who signs up with an address that is taken is nobody yet. */
const NOBODY = '00000000-0000-0000-0000-000000000000'

function refusedByTrigger(): ServiceError {
  return new ServiceError('auth.database_error', { message: 'Database error saving new user' })
}

/** What a sign-up answers for an address that is taken: a user that does not exist, without identities, as GoTrue has it. */
function toObfuscatedUser(email: string, data: Metadata): AuthUser {
  const now = new Date()
  return {
    id: randomUUID(),
    audience: 'authenticated',
    role: '',
    email,
    phone: null,
    emailConfirmedAt: null,
    phoneConfirmedAt: null,
    confirmedAt: null,
    lastSignInAt: null,
    bannedUntil: null,
    invitedAt: null,
    confirmationSentAt: now,
    recoverySentAt: null,
    newEmail: null,
    emailChangeSentAt: null,
    newPhone: null,
    phoneChangeSentAt: null,
    reauthenticationSentAt: null,
    deletedAt: null,
    isAnonymous: false,
    appMetadata: { provider: 'email', providers: ['email'] },
    userMetadata: data,
    identities: [],
    createdAt: now,
    updatedAt: now,
  }
}
