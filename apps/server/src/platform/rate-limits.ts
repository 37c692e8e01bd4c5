import { ServiceError } from '@polder/core'
import { isIPv6 } from 'node:net'
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'

/** How often something may be tried: points per window. Every window ends, so nobody is locked out for good. */
export interface RateLimit {
  points: number
  seconds: number
}

/** The limits of an installation. Sign-in counts failures only: a success gives its points back. */
export const RATE_LIMITS = {
  signInByAccountAndIp: { points: 10, seconds: 300 },
  signInByIp: { points: 100, seconds: 300 },
  signUpByIp: { points: 60, seconds: 3600 },
  passwordByAccount: { points: 10, seconds: 300 },
  invitationByIp: { points: 60, seconds: 300 },
  inviteByAccount: { points: 200, seconds: 3600 },
  organizationByAccount: { points: 200, seconds: 3600 },
} as const satisfies Record<string, RateLimit>

export type RateLimitName = keyof typeof RATE_LIMITS

/** Counts attempts in this process. */
export interface RateLimits {
  /** Counts one attempt; throws `request.rate_limited`, with the seconds to wait, when there were too many. */
  consume(name: RateLimitName, key: string): Promise<void>
  /** Takes the attempt back: it was no guess. */
  restore(name: RateLimitName, key: string): Promise<void>
}

/** Limits by name; tests may give tighter or wider ones. */
export function createRateLimits(limits: Record<RateLimitName, RateLimit> = RATE_LIMITS): RateLimits {
  const limiters = new Map<RateLimitName, RateLimiterMemory>()
  for (const name of Object.keys(limits) as RateLimitName[]) {
    limiters.set(name, new RateLimiterMemory({ points: limits[name].points, duration: limits[name].seconds }))
  }
  const limiter = (name: RateLimitName) => limiters.get(name) as RateLimiterMemory
  return {
    async consume(name, key) {
      try {
        await limiter(name).consume(key)
      } catch (refusal) {
        if (!(refusal instanceof RateLimiterRes)) throw refusal
        const retryAfterSeconds = Math.max(1, Math.ceil(refusal.msBeforeNext / 1000))
        throw new ServiceError('request.rate_limited', {
          details: { retryAfterSeconds },
          hint: `Try again in ${retryAfterSeconds} seconds.`,
        })
      }
    },
    restore: async (name, key) => void (await limiter(name).reward(key)),
  }
}

/** One caller on the network: an IPv4 address, or the /64 that an IPv6 host can move about in. */
export function toNetworkKey(ip: string): string {
  if (!isIPv6(ip)) return ip
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)?.[1]
  if (mapped) return mapped
  const [head = '', tail] = ip.split('%')[0]!.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail ? tail.split(':') : []
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length)
  const groups = [...left, ...Array<string>(zeros).fill('0'), ...right]
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`
}
