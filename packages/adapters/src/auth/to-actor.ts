import type { AuthUser } from './auth-user.ts'

/** The user as the log names who acts: by number where they have one, as GoTrue does. */
export function toActorOf(user: Pick<AuthUser, 'id' | 'email' | 'phone'>): { id: string; name: string } {
  return { id: user.id, name: user.phone ?? user.email ?? '' }
}
