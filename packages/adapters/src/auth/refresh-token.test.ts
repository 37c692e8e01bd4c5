import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { hashRefreshToken, isRefreshToken, makeRefreshToken, sealSuccessor, unsealSuccessor } from './refresh-token.ts'

test('a sealed successor opens with the token that it replaces, and with no other', () => {
  for (let index = 0; index < 100; index += 1) {
    const [token, other, successor] = [makeRefreshToken(), makeRefreshToken(), makeRefreshToken()]
    const sealed = sealSuccessor(token, successor)
    expect([token, successor].every(isRefreshToken)).toBe(true)
    expect(unsealSuccessor(token, sealed)).toBe(successor)
    expect(unsealSuccessor(other, sealed)).not.toBe(successor)
    expect(sealed.includes(Buffer.from(successor, 'base64url'))).toBe(false)
  }
})

test('what was not sealed is no successor', () => {
  const token = makeRefreshToken()
  for (const size of [0, 31, 33, 1000]) expect(unsealSuccessor(token, randomBytes(size))).toBeUndefined()
  const invented = unsealSuccessor(token, randomBytes(32))!
  expect(isRefreshToken(invented)).toBe(true)
  expect(hashRefreshToken(invented)).not.toBe(hashRefreshToken(token))
})
