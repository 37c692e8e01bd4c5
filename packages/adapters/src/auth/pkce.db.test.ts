import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { parseCodeChallenge } from './pkce.ts'
import { client, expectCode, openTestAuth, password, type ReadMessage, type TestAuth } from './testing/test-auth.ts'

let at: TestAuth
const redirectTo = 'http://localhost:3000/'

beforeAll(async () => void (at = await openTestAuth()))
beforeEach(() => at.reset())
afterAll(() => at?.[Symbol.asyncDispose]())

const verifier = randomBytes(48).toString('base64url')
const challenge = parseCodeChallenge('s256', createHash('sha256').update(verifier).digest('base64url'))
const follow = async ({ type, token }: ReadMessage) => {
  const followed = await at.auth.followLink(at.scopes.app(), { type, token, client })
  if (followed.kind !== 'code') throw new Error('no code')
  return followed.code
}
const exchange = (authCode: string, codeVerifier = verifier) => at.auth.exchangeCode(at.scopes.app(), { authCode, codeVerifier, client })

describe('a flow that began with a code challenge', () => {
  const begin: Record<string, (email: string) => Promise<unknown> | void> = {
    'email/signup': (email) => at.auth.signUp(at.scopes.app(), { email, password, challenge, redirectTo, client }),
    magiclink: async (email) => {
      await at.addUser({ email })
      await at.auth.requestEmailOtp(at.scopes.app(), { email, mayCreate: true, challenge, redirectTo, client })
    },
    recovery: async (email) => {
      await at.addUser({ email })
      at.auth.recover(at.scopes.app(), { email, challenge, redirectTo, client })
    },
    email_change: async (email) => {
      const { accessToken } = await at.addUser()
      at.reset({ mailerSecureEmailChangeEnabled: false })
      await at.auth.updateUser(at.scopes.withToken(accessToken), { email, challenge, redirectTo, client })
    },
  }

  test.each(Object.keys(begin))('%s: the link gives a code, and the code a session to who has the verifier', async (method) => {
    const email = at.newEmail()
    await begin[method]!(email)
    const [mail] = await at.inboxOf(email)
    expect(mail!.token).toMatch(/^pkce_/)
    const code = await follow(mail!)
    await expectCode(exchange(code, 'x'.repeat(64)), 'auth.code_verifier_invalid')
    const session = await exchange(code)
    expect(session.user.email).toBe(email)
    expect(at.methodsOf(session.accessToken)).toEqual([method])
    await expectCode(exchange(code), 'auth.flow_state_not_found')
    await expectCode(follow(mail!), 'auth.otp_expired')
  })

  test('of many who exchange one code at once one gets the session', async () => {
    const email = at.newEmail()
    await begin.magiclink!(email)
    const code = await follow((await at.inboxOf(email))[0]!)
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => exchange(code)))
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })

  test('a code waits for five minutes from when the link was opened, which may lie longer', async () => {
    const email = at.newEmail()
    await begin.magiclink!(email)
    const mail = (await at.inboxOf(email))[0]!
    await at.project.runAsOwner(`update auth.flow_state set created_at = now() - interval '30 minutes'`)
    const code = await follow(mail)
    await at.project.runAsOwner(
      `update auth.flow_state set auth_code_issued_at = now() - interval '301 seconds' where auth_code = '${code}'`,
    )
    await expectCode(exchange(code), 'auth.flow_state_expired')
  })

  test('what is no code', async () => {
    for (const [code, one] of [
      ['', verifier],
      ['x', ''],
    ])
      await expectCode(exchange(code!, one), 'auth.validation_failed')
    for (const code of ['x', '\0', "' or true --", 'x'.repeat(100_000)]) await expectCode(exchange(code), 'auth.flow_state_not_found')
  })
})

test.each([
  ['s256', ''],
  ['', 'x'.repeat(43)],
  ['s256', 'x'.repeat(42)],
  ['s256', 'x'.repeat(129)],
  ['s256', `${'x'.repeat(43)}!`],
  ['md5', 'x'.repeat(43)],
])('%s %s is no challenge', (method, text) => expect(() => parseCodeChallenge(method, text)).toThrow())

test('the verifier itself may be the challenge, as plain', async () => {
  const email = at.newEmail()
  const plain = parseCodeChallenge('plain', verifier)
  await at.auth.signUp(at.scopes.app(), { email, password, challenge: plain, redirectTo, client })
  await exchange(await follow((await at.inboxOf(email))[0]!))
})
