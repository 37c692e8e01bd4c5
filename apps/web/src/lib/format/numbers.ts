const whole = new Intl.NumberFormat('en-US')

/** 12431 → "12,431". */
export function toCountText(count: number): string {
  return whole.format(count)
}

/** 1 row, 2 rows, 12,431 rows. */
export function toCounted(count: number, one: string, many = `${one}s`): string {
  return `${toCountText(count)} ${count === 1 ? one : many}`
}

/** 0.4 → "0.4 ms", 1234 → "1.23 s", 75000 → "1 min 15 s". */
export function toDurationText(ms: number): string {
  if (ms < 10) return `${Math.round(ms * 10) / 10} ms`
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1000).toFixed(2)} s`
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`
}
