import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openLinkStage, type LinkStage } from './testing/link-stage.ts'

let at: LinkStage
const password = 'correct horse'

beforeAll(async () => void (at = await openLinkStage()))
afterAll(() => at?.[Symbol.asyncDispose]())

/** Everything that lets a user of alpha in there. */
interface Proofs {
  email: string
  accessToken: string
  refreshToken: string
  userId: string
  code: string
  tokenHash: string
  recoveryPath: string
}

async function collect(): Promise<Proofs> {
  const client = at.connect('implicit')
  const email = at.newEmail()
  await client.auth.signUp({ email, password })
  const { data } = await client.auth.verifyOtp({ email, token: (await at.mailTo(email)).code, type: 'signup' })
  await client.auth.resetPasswordForEmail(email)
  const { code, tokenHash, path } = await at.mailTo(email)
  const { access_token: accessToken, refresh_token: refreshToken, user } = data.session!
  return { email, accessToken, refreshToken, userId: user.id, code, tokenHash, recoveryPath: path }
}

const anon = () => at.gateway.beta.keys.anonKey
const post = (path: string, body: object, headers: Record<string, string> = {}) => ({ method: 'POST' as const, path, body, headers })

/** What somebody could try with them elsewhere. */
const ATTEMPTS: Record<
  string,
  (proofs: Proofs) => { method: 'GET' | 'POST' | 'PUT'; path: string; body?: object; headers: Record<string, string> }
> = {
  'the password': ({ email }) => post('/token?grant_type=password', { email, password }),
  'the refresh token': ({ refreshToken }) => post('/token?grant_type=refresh_token', { refresh_token: refreshToken }),
  'the code': ({ email, code }) => post('/verify', { type: 'recovery', email, token: code }),
  'the hash': ({ tokenHash }) => post('/verify', { type: 'recovery', token_hash: tokenHash }),
  'the token, for the user': ({ accessToken }) => ({ method: 'GET', path: '/user', headers: { authorization: `Bearer ${accessToken}` } }),
  'the token as key': ({ accessToken }) => ({ method: 'GET', path: '/user', headers: { apikey: accessToken } }),
  'the token, to change the user': ({ accessToken }) => ({
    method: 'PUT',
    path: '/user',
    body: { data: { stolen: true } },
    headers: { authorization: `Bearer ${accessToken}` },
  }),
  'the token, to sign out': ({ accessToken }) => post('/logout', {}, { authorization: `Bearer ${accessToken}` }),
  'the service key': () => {
    const { serviceRoleKey } = at.gateway.alpha.keys
    return { method: 'GET', path: '/admin/users', headers: { apikey: serviceRoleKey, authorization: `Bearer ${serviceRoleKey}` } }
  },
  'the service key beside the key of there': () => ({
    method: 'GET',
    path: '/admin/users',
    headers: { authorization: `Bearer ${at.gateway.alpha.keys.serviceRoleKey}` },
  }),
}

test(
  'property: no user, token, code or key of one project works in another, even where the same user is there',
  { timeout: 60_000 },
  async () => {
    const { alpha, beta, app } = at.gateway
    const proofs = await Promise.all(Array.from({ length: 4 }, collect))
    const stateOf = async (project: typeof beta) => {
      const { rows } = await project.runAsOwner(`select (select json_agg(u order by id) from auth.users u)::text as users,
      (select count(*) from auth.sessions)::int as sessions`)
      return rows[0]
    }
    // the same address and the same id, with another password
    for (const { userId, email } of proofs.slice(0, 2)) {
      await beta.runAsOwner(`insert into auth.users (id, email, encrypted_password, email_confirmed_at, created_at, aud, role)
      values ('${userId}', '${email}', '$2a$04$abcdefghijklmnopqrstuuu3oC3UcvBXXoUHtJrzPFYL8zEFFXo2i', now(), now(), 'authenticated', 'authenticated')`)
    }
    const before = await stateOf(beta)
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...proofs),
        fc.constantFrom(...Object.keys(ATTEMPTS)),
        fc.boolean(),
        async (proof, attempt, isUpper) => {
          const { method, path, body, headers } = ATTEMPTS[attempt]!(isUpper ? { ...proof, email: proof.email.toUpperCase() } : proof)
          const answer = await app.inject({
            method,
            url: `/projects/${beta.ref}/auth/v1${path}`,
            headers: { apikey: anon(), ...headers },
            ...(body && { payload: Buffer.from(JSON.stringify(body)) }),
          })
          expect(answer.statusCode, attempt).toBeGreaterThanOrEqual(400)
          expect(answer.statusCode, attempt).toBeLessThan(500)
          expect(answer.body).not.toContain('access_token')
        },
      ),
      { numRuns: 250 },
    )
    expect(await stateOf(beta)).toEqual(before)
    for (const { recoveryPath } of proofs) {
      expect((await at.open(recoveryPath.replace(alpha.ref, beta.ref), { method: 'POST' })).location.fragment).toHaveProperty('error_code')
    }
    // at home each of them works
    const headers = { apikey: alpha.keys.anonKey }
    for (const proof of proofs) {
      for (const attempt of ['the password', 'the refresh token', 'the hash']) {
        const { path, body } = ATTEMPTS[attempt]!(proof)
        const answer = await app.inject({
          method: 'POST',
          url: `/projects/${alpha.ref}/auth/v1${path}`,
          headers,
          payload: Buffer.from(JSON.stringify(body)),
        })
        expect(answer.statusCode, attempt).toBe(200)
      }
    }
  },
)
