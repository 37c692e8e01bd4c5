import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createRateLimits, RATE_LIMITS, toNetworkKey } from './rate-limits.ts'

describe('limits', () => {
  test('refuse beyond the points, key by key, and say how long to wait', async () => {
    const limits = createRateLimits({ ...RATE_LIMITS, signInByIp: { points: 2, seconds: 60 } })
    for (let round = 0; round < 2; round++) await limits.consume('signInByIp', 'one')
    await expect(limits.consume('signInByIp', 'one')).rejects.toMatchObject({
      code: 'request.rate_limited',
      details: { retryAfterSeconds: 60 },
      hint: 'Try again in 60 seconds.',
    })
    await limits.consume('signInByIp', 'other')
    await limits.consume('signUpByIp', 'one')
  })

  test('give a point back for a success', async () => {
    const limits = createRateLimits({ ...RATE_LIMITS, signInByIp: { points: 2, seconds: 60 } })
    for (let round = 0; round < 50; round++) {
      await limits.consume('signInByIp', 'one')
      await limits.restore('signInByIp', 'one')
    }
  })

  test('end with their window', async () => {
    const limits = createRateLimits({ ...RATE_LIMITS, signInByIp: { points: 1, seconds: 1 } })
    await limits.consume('signInByIp', 'one')
    await expect(limits.consume('signInByIp', 'one')).rejects.toMatchObject({ code: 'request.rate_limited' })
    await new Promise((resolve) => setTimeout(resolve, 1100))
    await limits.consume('signInByIp', 'one')
  })
})

describe('a network', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::1', '0:0:0:0::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:0db8:0000:0000:ffff::', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ])('of %s is %s', (ip, key) => expect(toNetworkKey(ip)).toBe(key))

  test('property: hosts of one /64 share it, however they are written', () => {
    fc.assert(
      fc.property(fc.ipV6(), (ip) => {
        if (ip.includes('.')) return
        expect(toNetworkKey(ip)).toMatch(/^(?:[0-9a-f]{1,4}:){4}:\/64$/)
        expect(toNetworkKey(ip.toUpperCase())).toBe(toNetworkKey(ip))
      }),
      { numRuns: 200 },
    )
  })
})
