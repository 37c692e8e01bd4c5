import { expect, test } from 'vitest'
import { toVersionWarning } from './version-warning.ts'

test.each([180007, 180010, 170012, 160016, 190000])('%i has every fix that we know of', (version) => {
  expect(toVersionWarning(version)).toBeNull()
})

test.each([
  [180004, '18.4', '18.7'],
  [180006, '18.6', '18.7'],
  [170011, '17.11', '17.12'],
  [160015, '16.15', '16.16'],
])('%i is warned of, with the release that fixes it', (version, own, fixed) => {
  expect(toVersionWarning(version)).toContain(`Postgres ${own} lacks`)
  expect(toVersionWarning(version)).toContain(fixed)
})

test.each([150020, 120001])('%i is too old for the walls', (version) => {
  expect(toVersionWarning(version)).toContain('too old')
})
