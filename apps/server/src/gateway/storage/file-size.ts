import { ServiceError } from '@polder/core'

const UNITS: Record<string, number> = { gb: 1e9, mb: 1e6, kb: 1e3, b: 1 }

/** A size in bytes, or as text with a decimal unit: `20mb` is 20,000,000. Null is no limit. Throws `storage.size_invalid`. */
export function parseFileSize(size: number | string | null): number | null {
  if (size === null) return null
  if (typeof size === 'number') return Math.trunc(size)
  const [, number, unit] = /^(\d{1,15}(?:\.\d{1,6})?)(gb|mb|kb|b)?$/i.exec(size) ?? []
  if (number === undefined) throw new ServiceError('storage.size_invalid')
  return Math.round(Number(number) * UNITS[(unit ?? 'b').toLowerCase()]!)
}
