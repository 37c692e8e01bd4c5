import { createWindowCounter, type WindowCounter } from '@polder/adapters/auth'
import { ServiceError, type AuthSettings } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import { toNetworkKey } from '../../platform/rate-limits.ts'

/** What one client address may do so often, each by a setting of the project; GoTrue's windows. */
const BY_ADDRESS = {
  signUp: ['rateLimitOtp', 300],
  anonymous: ['rateLimitAnonymousUsers', 3_600],
  recover: ['rateLimitOtp', 300],
  resend: ['rateLimitOtp', 300],
  otp: ['rateLimitOtp', 300],
  updateUser: ['rateLimitOtp', 300],
  verify: ['rateLimitVerify', 300],
  token: ['rateLimitTokenRefresh', 300],
} as const satisfies Record<string, readonly [keyof AuthSettings, number]>

/** How often somebody may guess at one account, from wherever. Only failures count, and every window ends: nobody is locked out for good. */
export const GUESSES = {
  password: { tries: 30, seconds: 300 },
  code: { tries: 10, seconds: 300 },
} as const satisfies Record<string, GuessLimit>

export interface GuessLimit {
  tries: number
  seconds: number
}

export type CountedRequest = keyof typeof BY_ADDRESS

export interface AuthLimits {
  /** Counts one request of a client in a project. Throws `request.rate_limited`. */
  countByAddress(request: CountedRequest, project: ProjectScope, ip: string): void
  /** Runs a check of a secret; its failures count against the account. Throws `request.rate_limited` before the work when there were too many. */
  guardAccount<Result>(secret: keyof typeof GUESSES, project: ProjectScope, account: string, work: () => Promise<Result>): Promise<Result>
}

const WRONG = new Set(['auth.invalid_credentials', 'auth.otp_expired'])

/** Limits of this process; tests give others for guessing. */
export function createAuthLimits(guesses: Record<keyof typeof GUESSES, GuessLimit> = GUESSES): AuthLimits {
  const requests = new Map<CountedRequest, WindowCounter>()
  for (const [name, [, seconds]] of Object.entries(BY_ADDRESS)) requests.set(name as CountedRequest, createWindowCounter(seconds))
  const failures = { password: createWindowCounter(guesses.password.seconds), code: createWindowCounter(guesses.code.seconds) }

  return {
    countByAddress(request, project, ip) {
      const limit = project.configuration.auth[BY_ADDRESS[request][0]]
      refuse(requests.get(request)!.take(`${project.ref} ${toNetworkKey(ip)}`, limit))
    },
    async guardAccount(secret, project, account, work) {
      const key = `${project.ref} ${account.slice(0, 255).toLowerCase()}`
      // taken before the work, so that a hundred guesses at once are a hundred
      refuse(failures[secret].take(key, guesses[secret].tries))
      let isWrong = false
      try {
        return await work()
      } catch (error) {
        isWrong = error instanceof ServiceError && WRONG.has(error.code)
        throw error
      } finally {
        if (!isWrong) failures[secret].give(key)
      }
    },
  }
}

function refuse(retryAfterSeconds: number | undefined): void {
  if (retryAfterSeconds !== undefined) throw new ServiceError('request.rate_limited', { details: { retryAfterSeconds } })
}
