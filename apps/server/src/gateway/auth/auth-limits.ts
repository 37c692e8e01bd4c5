import { ServiceError } from '@polder/core'
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { toNetworkKey, type RateLimit } from '../../platform/rate-limits.ts'

/** How often one address or network may ask a project's auth service. Every window ends: nobody is locked out for good. */
export const AUTH_LIMITS = {
  signUpByIp: { points: 600, seconds: 300 },
  signInByIp: { points: 3_000, seconds: 300 },
  refreshByIp: { points: 15_000, seconds: 300 },
  /** Counts failures only: who knows the password is never kept out by guessing strangers for longer than the window. */
  failureByEmail: { points: 30, seconds: 300 },
} as const satisfies Record<string, RateLimit>

export type AuthLimitName = keyof typeof AUTH_LIMITS

export interface AuthLimits {
  /** Counts one try of a client in a project. Throws `request.rate_limited`. */
  countByIp(name: Exclude<AuthLimitName, 'failureByEmail'>, ref: string, ip: string): Promise<void>
  /** Runs a sign-in; its failures count against the address. Throws `request.rate_limited` before the work when there were too many. */
  guardEmail<Result>(ref: string, email: string, work: () => Promise<Result>): Promise<Result>
}

/** Limits of this process; tests and benches give others. */
export function createAuthLimits(limits: Record<AuthLimitName, RateLimit> = AUTH_LIMITS): AuthLimits {
  const names = Object.keys(limits) as AuthLimitName[]
  const limiters = Object.fromEntries(
    names.map((name) => [name, new RateLimiterMemory({ points: limits[name].points, duration: limits[name].seconds })]),
  ) as Record<AuthLimitName, RateLimiterMemory>

  return {
    countByIp: (name, ref, ip) => consume(limiters[name], `${ref} ${toNetworkKey(ip)}`),
    async guardEmail(ref, email, work) {
      const key = `${ref} ${email.slice(0, 255).toLowerCase()}`
      // taken before the work, so that a hundred guesses at once are a hundred
      await consume(limiters.failureByEmail, key)
      const result = await work().catch(async (error: unknown) => {
        const isGuess = error instanceof ServiceError && error.code === 'auth.invalid_credentials'
        if (!isGuess) await limiters.failureByEmail.reward(key)
        throw error
      })
      await limiters.failureByEmail.reward(key)
      return result
    },
  }
}

async function consume(limiter: RateLimiterMemory, key: string): Promise<void> {
  try {
    await limiter.consume(key)
  } catch (refusal) {
    if (!(refusal instanceof RateLimiterRes)) throw refusal
    throw new ServiceError('request.rate_limited', { details: { retryAfterSeconds: Math.max(1, Math.ceil(refusal.msBeforeNext / 1000)) } })
  }
}
