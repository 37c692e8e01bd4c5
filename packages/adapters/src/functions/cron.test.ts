import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseCron } from './cron.ts'

const nextOf = (cron: string, after: string, zone = 'UTC') => parseCron(cron, zone).next(new Date(after))?.toISOString()

test.each([
  ['* * * * *', '2026-01-01T00:00:30Z', '2026-01-01T00:01:00.000Z'],
  ['*/15 * * * *', '2026-01-01T00:15:00Z', '2026-01-01T00:30:00.000Z'],
  ['0 9-17/4 * * mon-fri', '2026-01-02T14:00:00Z', '2026-01-02T17:00:00.000Z'],
  ['30 6 1 * *', '2026-01-01T06:30:00Z', '2026-02-01T06:30:00.000Z'],
  ['0 0 29 feb *', '2026-01-01T00:00:00Z', '2028-02-29T00:00:00.000Z'],
  ['0 0 13 * 5', '2026-02-01T00:00:00Z', '2026-02-06T00:00:00.000Z'],
  ['0 12 * * 7', '2026-01-01T00:00:00Z', '2026-01-04T12:00:00.000Z'],
  ['5,10 1 * * *', '2026-01-01T01:05:00Z', '2026-01-01T01:10:00.000Z'],
  ['@hourly', '2026-01-01T00:00:00Z', '2026-01-01T01:00:00.000Z'],
  ['@yearly', '2026-01-01T00:00:00Z', '2027-01-01T00:00:00.000Z'],
])('%s after %s is %s', (cron, after, expected) => {
  expect(nextOf(cron, after)).toBe(expected)
})

test.each([
  // The clock is put on at two: half past two does not come that day.
  ['30 2 * * *', '2026-03-29T00:00:00Z', 'Europe/Berlin', '2026-03-30T00:30:00.000Z'],
  ['0 0 * * *', '2026-06-01T12:00:00Z', 'Asia/Kolkata', '2026-06-01T18:30:00.000Z'],
  ['0 0 * * *', '2026-06-01T12:00:00Z', 'Pacific/Kiritimati', '2026-06-02T10:00:00.000Z'],
  ['15 23 31 12 *', '2026-06-01T12:00:00Z', 'America/New_York', '2027-01-01T04:15:00.000Z'],
])('%s after %s in %s is %s', (cron, after, zone, expected) => {
  expect(nextOf(cron, after, zone)).toBe(expected)
})

test.each(['', '* * * *', '* * * * * *', '60 * * * *', '* 24 * * *', '* * 0 * *', '* * * 13 *', '* * * * 8', '5-1 * * * *', '*/0 * * * *', 'a * * * *', '1,,2 * * * *', '@often'])(
  'refuses %j',
  (cron) => {
    expect(() => parseCron(cron, 'UTC')).toThrow(expect.objectContaining({ code: 'functions.schedule_invalid' }))
  },
) // prettier-ignore

test('the next time is always later, a whole minute, and one that fits the fields', () => {
  const minute = fc.integer({ min: 0, max: 59 })
  const hour = fc.integer({ min: 0, max: 23 })
  const zone = fc.constantFrom('UTC', 'Europe/Berlin', 'America/St_Johns', 'Australia/Lord_Howe')
  fc.assert(
    fc.property(
      minute,
      hour,
      zone,
      fc.date({ min: new Date('2025-01-01'), max: new Date('2030-01-01'), noInvalidDate: true }),
      (m, h, timeZone, after) => {
        const next = parseCron(`${m} ${h} * * *`, timeZone).next(after)!
        expect(next.getTime()).toBeGreaterThan(after.getTime())
        expect(next.getTime() % 60_000).toBe(0)
        const shown = new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(next)
        expect(shown).toBe(`${String(h).padStart(2, '0')}:${String(m).padStart(2, '0')}`)
      },
    ),
    { numRuns: 200 },
  )
})
