import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createSessionCookie } from './session-cookie.ts'

test.each([
  ['https://polder.example.com', '__Host-polder_session', true],
  ['http://localhost:8000', '__Host-polder_session', true],
  ['http://127.0.0.1:8000', '__Host-polder_session', true],
  ['http://[::1]:8000', '__Host-polder_session', true],
  ['http://192.168.1.5:8000', 'polder_session', false],
  ['http://localhost.example.com', 'polder_session', false],
  ['http://127.0.0.1.example.com', 'polder_session', false],
])('under %s is %s', (url, name, isSecure) => {
  const cookie = createSessionCookie(url)
  expect(cookie).toMatchObject({ name, isSecure })
  const written = cookie.write('abc')
  expect(written.startsWith(`${name}=abc; Path=/; HttpOnly; SameSite=Lax`)).toBe(true)
  expect(written.includes('Secure')).toBe(isSecure)
  expect(written).not.toContain('Domain')
  expect(cookie.write(null)).toMatch(/Max-Age=0$/)
})

test.each([
  [undefined, null],
  ['', null],
  ['__Host-polder_session=abc', 'abc'],
  ['other=1; __Host-polder_session=abc; more=2', 'abc'],
  ['polder_session=abc', null],
  ['__Host-polder_session=', null],
  ['x__Host-polder_session=abc', null],
  ['__Host-polder_session=mine; __Host-polder_session=planted', null],
])('reads %j as %j', (header, id) => expect(createSessionCookie('https://polder.example.com').read(header)).toBe(id))

test('property: reads back what it wrote among any other cookies', () => {
  const cookie = createSessionCookie('https://polder.example.com')
  const foreign = fc.array(fc.stringMatching(/^[a-z]{1,8}=[!-:<-~]{0,20}$/), { maxLength: 5 })
  fc.assert(
    fc.property(fc.base64String({ minLength: 4 }), foreign, foreign, (id, before, after) => {
      const [pair = ''] = cookie.write(id).split(';')
      expect(cookie.read([...before, pair, ...after].join('; '))).toBe(id)
    }),
    { numRuns: 200 },
  )
})
