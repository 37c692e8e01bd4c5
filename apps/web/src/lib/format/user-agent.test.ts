import { expect, test } from 'vitest'
import { toBrowserText } from './user-agent.ts'

test.each([
  [null, 'Unknown browser'],
  ['Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 'Firefox on Linux'],
  ['Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0 Safari/537.36 Edg/150.0', 'Edge on Windows'],
  ['Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1 Version/19.0 Mobile Safari/604.1', 'Safari on iOS'],
  ['curl/8.9.0', 'curl/8.9.0'],
])('%s', (userAgent, text) => expect(toBrowserText(userAgent)).toBe(text))
