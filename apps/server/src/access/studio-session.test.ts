import { describe, expect, test } from 'vitest'
import { createSessionCookie } from './session-cookie.ts'
import { findSignedIn, type Credentials, type SignedIn } from './studio-session.ts'

const person: SignedIn = { accountId: 'a', email: 'a@example.com', name: '', isAdministrator: false, sessionId: 's', token: null }
const script: SignedIn = { ...person, sessionId: null, token: { id: 't', access: 'read', organizationId: null, projectRefs: null } }

const find = (credentials: Partial<Credentials>) =>
  findSignedIn(
    { cookie: undefined, authorization: undefined, origin: undefined, ...credentials },
    {
      cookie: createSessionCookie('https://polder.example.com'),
      findSession: async (id) => (id === 'good' ? person : null),
      findToken: async (token) => (token === 'plr_good' ? script : null),
    },
  )

const refused = { code: 'access.token_invalid' }

describe('who asks', () => {
  test('is nobody without credentials, or when the session has ended', async () => {
    expect(await find({})).toBeNull()
    expect(await find({ cookie: '__Host-polder_session=ended' })).toBeNull()
  })

  test('is the person of the session, from a browser or not', async () => {
    expect(await find({ cookie: '__Host-polder_session=good' })).toBe(person)
    expect(await find({ cookie: '__Host-polder_session=good', origin: 'https://polder.example.com' })).toBe(person)
  })

  test('is the account of the token, and the token counts before the cookie', async () => {
    expect(await find({ authorization: 'Bearer plr_good' })).toBe(script)
    expect(await find({ authorization: 'bearer  plr_good ' })).toBe(script)
    expect(await find({ authorization: 'Bearer plr_good', cookie: '__Host-polder_session=good' })).toBe(script)
  })

  test('is refused with a token that is wrong, and does not fall back on the cookie', async () => {
    for (const authorization of [
      'Bearer plr_bad',
      'Bearer good',
      'Bearer',
      '',
      'Basic plr_good',
      'Bearer plr_good plr_good',
      'Bearer eyJhbGciOiJub25lIn0.e30.',
    ]) {
      await expect(find({ authorization, cookie: '__Host-polder_session=good' })).rejects.toMatchObject(refused)
    }
  })

  test('is refused with a token from a browser, also from our own pages', async () => {
    for (const origin of ['https://polder.example.com', 'https://evil.example', 'null', '']) {
      await expect(find({ authorization: 'Bearer plr_good', origin })).rejects.toMatchObject(refused)
    }
  })
})
