import type { PlatformDatabase, PlatformEvents } from '@polder/db'
import type { Passwords } from './passwords.ts'
import type { RateLimits } from './rate-limits.ts'

/** For `access_changed`: what an account may do is another now, so whatever is open for it must be checked again. */
export type AccessEvents = Pick<PlatformEvents, 'publish'>

/** What the logic of accounts and organizations is made of. */
export interface AccountParts {
  platform: PlatformDatabase
  events: AccessEvents
  passwords: Passwords
  limits: RateLimits
  /** Whether anybody may sign up as long as no administrator has decided. */
  isSignUpOpen: boolean
}
