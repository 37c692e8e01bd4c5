import type { AuthUser } from './auth-user.ts'
import type { PasswordWeakness } from './password-rules.ts'

/** Where a sign-in came from, as the session and the log remember it. */
export interface ClientFacts {
  ip: string | null
  userAgent: string | null
}

/** What a client holds after signing in. */
export interface UserSession {
  accessToken: string
  refreshToken: string
  /** Seconds. */
  expiresIn: number
  /** Seconds since 1970. */
  expiresAt: number
  user: AuthUser
  /** What is wrong with the password that was right: it was set under other rules. */
  weakness?: PasswordWeakness
  /** What the provider gave us for the user, if one did. */
  providerToken?: string
  providerRefreshToken?: string
}

/** A session and how its user has proven who they are, most recent first. */
export interface SessionProof {
  sessionId: string
  aal: string
  amr: { method: string; timestamp: number }[]
}
