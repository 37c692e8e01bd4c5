import { ServiceError } from '@polder/core'

/** When something is due, by the five fields of cron in a time zone. */
export interface Cron {
  /** The first minute after the given time; undefined when none comes within four years. */
  next(after: Date): Date | undefined
}

interface Field {
  name: string
  min: number
  max: number
  words?: readonly string[]
}

const MINUTE: Field = { name: 'minute', min: 0, max: 59 }
const HOUR: Field = { name: 'hour', min: 0, max: 23 }
const DAY: Field = { name: 'day of month', min: 1, max: 31 }
const MONTH: Field = { name: 'month', min: 1, max: 12, words: 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ') }
const WEEKDAY: Field = { name: 'day of week', min: 0, max: 7, words: 'sun mon tue wed thu fri sat'.split(' ') }
const NAMED: Record<string, string> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
}

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS
const MAX_DAYS = 4 * 366

/** Reads a cron expression. Throws `functions.schedule_invalid` with what is wrong. */
export function parseCron(text: string, timeZone: string): Cron {
  const parts = (NAMED[text.trim().toLowerCase()] ?? text.trim()).split(/\s+/)
  if (parts.length !== 5) throw invalid('A cron expression has five fields: minute, hour, day of month, month, day of week.')
  const [minutes, hours, days, months, weekdays] = [MINUTE, HOUR, DAY, MONTH, WEEKDAY].map((field, at) =>
    parseField(parts[at] as string, field),
  ) as [Set<number>, Set<number>, Set<number>, Set<number>, Set<number>]
  if (weekdays.has(7)) weekdays.add(0)
  // As cron has it: where both are given, either is enough.
  const isEither = !parts[2]?.startsWith('*') && !parts[4]?.startsWith('*')
  const clock = createClock(timeZone)

  function isDay({ year, month, day }: LocalTime): boolean {
    const weekday = new Date(Date.UTC(year, month - 1, day)).getUTCDay()
    const [fitsDay, fitsWeekday] = [days.has(day), weekdays.has(weekday)]
    return months.has(month) && (isEither ? fitsDay || fitsWeekday : fitsDay && fitsWeekday)
  }

  return {
    next(after) {
      const start = Math.floor(after.getTime() / MINUTE_MS) * MINUTE_MS + MINUTE_MS
      for (let at = start, end = start + MAX_DAYS * DAY_MS; at < end;) {
        const local = clock(at)
        if (!isDay(local)) {
          // To the next hour is never too far: a day can begin at any of them, seen from another zone.
          at += (60 - local.minute) * MINUTE_MS
          continue
        }
        if (!hours.has(local.hour)) at += (60 - local.minute) * MINUTE_MS
        else if (!minutes.has(local.minute)) at += MINUTE_MS
        else return new Date(at)
      }
      return undefined
    },
  }
}

function parseField(text: string, field: Field): Set<number> {
  const values = new Set<number>()
  for (const part of text.split(',')) {
    const found = /^(?:(\*)|([\da-z]+)(?:-([\da-z]+))?)(?:\/(\d{1,2}))?$/i.exec(part)
    if (found === null) throw invalid(`${JSON.stringify(part)} is not a ${field.name}.`)
    const [, star, from, to, step] = found
    const low = star === undefined ? toNumber(from as string, field) : field.min
    const high = star !== undefined || (to === undefined && step !== undefined) ? field.max : toNumber(to ?? (from as string), field)
    const by = Number(step ?? 1)
    if (by === 0 || low > high) throw invalid(`${JSON.stringify(part)} is not a ${field.name}.`)
    for (let value = low; value <= high; value += by) values.add(value)
  }
  return values
}

function toNumber(text: string, field: Field): number {
  const word = field.words?.indexOf(text.toLowerCase()) ?? -1
  const value = word >= 0 ? word + (field.min === 1 ? 1 : 0) : /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= field.min && value <= field.max)) throw invalid(`${JSON.stringify(text)} is not a ${field.name}.`)
  return value
}

interface LocalTime {
  year: number
  month: number
  day: number
  hour: number
  minute: number
}

/** What a clock in the time zone shows. */
function createClock(timeZone: string): (at: number) => LocalTime {
  let format: Intl.DateTimeFormat
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
    })
  } catch (cause) {
    throw new ServiceError('functions.schedule_invalid', { message: `There is no time zone ${JSON.stringify(timeZone)}.`, cause })
  }
  return (at) => {
    const parts: Record<string, number> = {}
    for (const { type, value } of format.formatToParts(at)) parts[type] = Number(value)
    return parts as unknown as LocalTime
  }
}

function invalid(message: string): ServiceError {
  return new ServiceError('functions.schedule_invalid', { message })
}
