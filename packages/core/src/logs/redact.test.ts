import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { redactPath, redactText, redactValue } from './redact.ts'

const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoiYW5vbiJ9.c2lnbmF0dXJl'

describe('a path', () => {
  test.each([
    ['/rest/v1/items?select=id&apikey=SECRET', '/rest/v1/items?select=id&apikey=[redacted]'],
    ['/auth/v1/verify?token=SECRET&type=signup', '/auth/v1/verify?token=[redacted]&type=signup'],
    ['/auth/v1/callback?code=SECRET&state=x', '/auth/v1/callback?code=[redacted]&state=x'],
    ['/x?access_token=SECRET&refresh_token=SECRET', '/x?access_token=[redacted]&refresh_token=[redacted]'],
    ['/x?pass%77ord=SECRET', '/x?pass%77ord=[redacted]'],
    ['/x?%ff%=SECRET&token=SECRET', '/x?%ff%=[redacted]&token=[redacted]'],
    [`/storage/v1/object/sign/${JWT}`, '/storage/v1/object/sign/[redacted]'],
  ])('%s', (path, safe) => expect(redactPath(path)).toBe(safe))

  test('stays as it is where nothing is secret', () => {
    const path = '/rest/v1/items?select=id,title,price&id=eq.42&order=price.desc'
    expect(redactPath(path)).toBe(path)
  })

  test('is cut', () => expect(redactPath(`/${'x'.repeat(5000)}`)).toHaveLength(2001))
})

describe('a text', () => {
  test.each([
    `the token is ${JWT}`,
    'Authorization: Bearer SECRET-SECRET',
    'authorization=Basic SECRETSECRET',
    'postgres://owner:SECRET@localhost:5432/x',
    'password=SECRET',
    '{"password":"SECRET"}',
    `{'db_password': 'SECRET with spaces'}`,
    'PASSWORD := SECRET',
    '"refresh_token" => "SECRET"',
    'key sb_secret_SECRET-SECRET',
    'plr_SECRETSECRETSECRET',
    'whsec_SECRETSECRETSECRET',
    'hash $argon2id$v=19$m=19456,t=2,p=1$SECRETSECRET$SECRETSECRET',
    'hash $2a$10$SECRETSECRETSECRETSECRET',
    'SCRAM-SHA-256$4096:SECRETSECRET==$SECRET:SECRET=',
    '-----BEGIN RSA PRIVATE KEY-----\nSECRET\nSECRET\n-----END RSA PRIVATE KEY-----',
    'Cookie: __Host-polder_session=SECRET',
    'AKIASECRETSECRETSECRET',
    'otp: SECRET',
    'api_key=SECRET, apikey: SECRET',
  ])('%j', (text) => expect(redactText(text)).not.toMatch(/SECRET|c2lnbmF0dXJl/))

  test('keeps what is no secret', () => {
    for (const text of ['Created 3 orders for ada@example.com', 'relation "items" does not exist', 'duration: 12 ms']) {
      expect(redactText(text)).toBe(text)
    }
  })

  test('costs little, however it was made', () => {
    for (const text of ['key'.repeat(5000), `${'password'.repeat(2000)}=`, 'a.'.repeat(8000), '://a:'.repeat(4000), '"\\'.repeat(8000)]) {
      const start = performance.now()
      redactText(text)
      redactPath(`/?${text}`)
      expect(performance.now() - start).toBeLessThan(250)
    }
  })
})

test('property: a secret under a name of a secret is never in what comes out', () => {
  const name = fc.constantFrom('password', 'apiKey', 'access_token', 'clientSecret', 'Authorization', 'cookie', 'otp', 'private_key')
  const secret = fc.string({ minLength: 8, maxLength: 40 }).filter((text) => /[a-z0-9]{4}/i.test(text))
  fc.assert(
    fc.property(name, secret, fc.jsonValue(), (key, value, other) => {
      const canary = `canary-${value}`
      const out = JSON.stringify(redactValue({ other, deep: [{ [key]: canary }] }))
      expect(out).not.toContain('canary-')
    }),
    { numRuns: 200 },
  )
})
