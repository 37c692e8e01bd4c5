import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { chooseRedirect, isRedirectAllowed, withFragment, withQuery } from './redirect-url.ts'

const settings = {
  siteUrl: 'https://app.example.com',
  uriAllowList: ['https://*.preview.test/**', 'myapp://callback', 'http://*.local.test:3000'],
}

describe('users may be sent to', () => {
  test.each([
    'https://app.example.com',
    'https://app.example.com/any/path?and=query#fragment',
    'https://branch.preview.test/welcome#x',
    'myapp://callback',
    'http://127.0.0.1:5173/x',
    'http://[::1]:8080',
    'http://a.local.test:3000',
  ])('%s', (address) => expect(isRedirectAllowed(settings, address)).toBe(true))

  test('any port of the site’s own machine', () => {
    const local = { siteUrl: 'http://localhost:3000', uriAllowList: [] }
    expect(isRedirectAllowed(local, 'http://localhost:61234/back')).toBe(true)
    expect(isRedirectAllowed(local, 'https://localhost:3000')).toBe(false)
  })
})

describe('and never to', () => {
  test.each([
    '',
    '/relative',
    '//evil.test',
    'http://app.example.com',
    'https://app.example.com:8443',
    'https://app.example.com.evil.test',
    'https://evil.test/https://app.example.com',
    'https://app.example.com@evil.test',
    'https://evil.test\\@app.example.com',
    'https://evil.test\\.preview.test/x',
    'https://evil.test#.preview.test/x',
    'https://2130706433/',
    'https://10.0.0.1/',
    'https://93.184.216.34/',
    'javascript:alert(1)//https://app.example.com',
    'data:text/html,x',
    'myapp://callback.evil',
    'https://a\tb.preview.test/x',
    `https://a.preview.test/${'x'.repeat(5_000)}`,
  ])('%s', (address) => expect(isRedirectAllowed(settings, address)).toBe(false))

  test('another host than the one that the list was held against, whatever the text', () => {
    const list = { siteUrl: 'https://app.example.com', uriAllowList: ['https://*.ok.test/**', 'https://*.ok.test'] }
    const text = fc.string({
      unit: fc.constantFrom('https://', 'evil.test', 'x', '.ok.test', '/', '\\', '@', '#', '?', ':', '%2e', '\t'),
      maxLength: 12,
    })
    fc.assert(
      fc.property(text, (address) => {
        if (!isRedirectAllowed(list, address)) return
        expect(new URL(address).hostname).toMatch(/(?:^|\.)(?:ok\.test|example\.com)$/)
      }),
      { numRuns: 2_000 },
    )
  })
})

test('the first allowed of several, or the site', () => {
  expect(chooseRedirect(settings, [undefined, 'https://evil.test', 'myapp://callback'])).toBe('myapp://callback')
  expect(chooseRedirect(settings, ['https://evil.test'])).toBe('https://app.example.com')
  expect(chooseRedirect(settings, [])).toBe('https://app.example.com')
})

test('values go into fragment or query, and nothing that they hold ends it', () => {
  expect(withFragment('https://a.test/x?y=1#old', { error: 'a&b=c#d', n: '1' })).toBe('https://a.test/x?y=1#error=a%26b%3Dc%23d&n=1&sb=')
  expect(withQuery('myapp://callback?z=1', { code: 'a b' })).toBe('myapp://callback?z=1&code=a+b')
})
