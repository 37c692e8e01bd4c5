/** One figure of a suite. `ratio` is ours to what it is held against (a limit or a peer of the same run). */
export interface Metric {
  metric: string
  value: number
  unit: string
  against?: string
  ratio?: number
}

/** The middle value; of an even count, the mean of the two in the middle. */
export function toMedian(values: readonly number[]): number {
  return toPercentile(values, 50)
}

/** Linear interpolation between the closest ranks. */
export function toPercentile(values: readonly number[], percent: number): number {
  if (!values.length) return Number.NaN
  const sorted = [...values].sort((a, b) => a - b)
  const position = ((sorted.length - 1) * percent) / 100
  const below = Math.floor(position)
  const part = position - below
  return sorted[below]! * (1 - part) + sorted[Math.min(below + 1, sorted.length - 1)]! * part
}

/** Milliseconds that the work took. */
export async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

/** Runs every variant once a round, in turn, so that drift of the machine meets all of them; gives each one's results. */
export async function interleave<Result>(
  rounds: number,
  variants: Record<string, () => Promise<Result>>,
): Promise<Record<string, Result[]>> {
  const results: Record<string, Result[]> = Object.fromEntries(Object.keys(variants).map((name) => [name, []]))
  for (let round = 0; round < rounds; round++) for (const [name, run] of Object.entries(variants)) results[name]!.push(await run())
  return results
}

export function roundTo(value: number, digits = 2): number {
  return Number(value.toFixed(digits))
}
