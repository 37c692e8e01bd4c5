import { ServiceError } from '@polder/core'

const SECONDS: Record<string, number> = { ns: 1e-9, us: 1e-6, µs: 1e-6, μs: 1e-6, ms: 1e-3, s: 1, m: 60, h: 3600 }
const LONGEST_SECONDS = 9_223_372_036

/** GoTrue's `ban_duration`: `none`, or a duration as Go writes it, `1h30m` for example. Null lifts the ban; otherwise seconds. */
export function parseBanDuration(text: string): number | null {
  if (text === 'none') return null
  const match = /^([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+|0)$/.exec(text)
  if (!match || text.length > 100) throw notADuration(text)
  const parts = [...match[2]!.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)]
  const seconds = parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * SECONDS[unit!]!, 0)
  if (seconds > LONGEST_SECONDS) throw notADuration(text)
  if (seconds === 0) return null
  return match[1] === '-' ? -seconds : seconds
}

function notADuration(text: string): ServiceError {
  const shown = JSON.stringify(text.slice(0, 100))
  return new ServiceError('auth.validation_failed', { message: `invalid format for ban duration: time: invalid duration ${shown}` })
}
