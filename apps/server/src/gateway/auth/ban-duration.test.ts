import { expect, test } from 'vitest'
import { parseBanDuration } from './ban-duration.ts'

test.each([
  ['none', null],
  ['0', null],
  ['0s', null],
  ['24h', 86_400],
  ['1h30m', 5_400],
  ['1.5h', 5_400],
  ['.5s', 0.5],
  ['100ms', 0.1],
  ['876000h', 3_153_600_000],
  ['-1h', -3_600],
  ['+2m3s', 123],
])('%s', (text, seconds) => expect(parseBanDuration(text)).toBe(seconds))

test.each([
  '',
  '1',
  '1d',
  'h',
  '1h ',
  ' 1h',
  '1h-1m',
  'forever',
  '1e9h',
  '9999999999h',
  '∞h',
  '\0',
  `${'1h'.repeat(60)}`,
  '1.2.3s',
  '--1h',
])('%j is none', (text) => expect(() => parseBanDuration(text)).toThrow('invalid format for ban duration'))
