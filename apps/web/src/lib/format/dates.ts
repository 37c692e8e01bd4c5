const STEPS: [number, Intl.RelativeTimeFormatUnit][] = [
  [60, 'second'],
  [60, 'minute'],
  [24, 'hour'],
  [30, 'day'],
  [12, 'month'],
  [Infinity, 'year'],
]

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })
const exact = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' })

/** "3 minutes ago", "in 2 days"; less than ten seconds is "now". */
export function toRelativeText(iso: string, now = Date.now()): string {
  let value = (Date.parse(iso) - now) / 1000
  if (Number.isNaN(value)) return '—'
  if (Math.abs(value) < 10) return 'now'
  for (const [size, unit] of STEPS) {
    if (Math.abs(value) < size) return relative.format(Math.round(value), unit)
    value /= size
  }
  return '—'
}

/** The whole date and time in the reader's time zone. */
export function toDateText(iso: string): string {
  const date = new Date(iso)
  return Number.isNaN(date.getTime()) ? '—' : exact.format(date)
}
