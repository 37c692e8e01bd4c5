const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']

/** 1536 → "1.5 kB", in steps of 1024 as Postgres prints sizes. */
export function toSizeText(bytes: number): string {
  let value = Math.max(0, bytes)
  let unit = 0
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1).replace(/\.0$/, '')} ${UNITS[unit]}`
}
