/** What a client prefers, of what we know. */
export interface Preferences {
  resolution: 'merge-duplicates' | 'ignore-duplicates' | null
  representation: 'representation' | 'minimal' | 'headers-only' | null
  count: 'exact' | 'planned' | 'estimated' | null
  transaction: 'commit' | 'rollback' | null
  missing: 'default' | 'null' | null
  handling: 'strict' | 'lenient' | null
  timeZone: string | null
  maxAffected: number | null
  /** What was asked for and is not known. */
  unknown: string[]
}

const KNOWN = {
  resolution: ['merge-duplicates', 'ignore-duplicates'],
  return: ['representation', 'minimal', 'headers-only'],
  count: ['exact', 'planned', 'estimated'],
  tx: ['commit', 'rollback'],
  missing: ['default', 'null'],
  handling: ['strict', 'lenient'],
} as const

export const NO_PREFERENCES: Preferences = {
  resolution: null,
  representation: null,
  count: null,
  transaction: null,
  missing: null,
  handling: null,
  timeZone: null,
  maxAffected: null,
  unknown: [],
}

/** Reads `Prefer` (several headers joined by commas); of one preference sent twice the first counts. */
export function parsePreferences(
  header: string | undefined,
  isTransactionOverridable: boolean,
  isTimeZone: (name: string) => boolean,
): Preferences {
  if (header === undefined || header === '') return NO_PREFERENCES
  const wanted = header.split(',').map((part) => part.trim())
  const pick = <Name extends keyof typeof KNOWN>(name: Name): (typeof KNOWN)[Name][number] | null =>
    KNOWN[name].find((value) => firstOf(wanted, name, KNOWN[name]) === value) ?? null
  const zone = wanted.find((part) => part.startsWith('timezone='))?.slice(9)
  const isZoneKnown = zone !== undefined && isTimeZone(zone)
  return {
    resolution: pick('resolution'),
    representation: pick('return'),
    count: pick('count'),
    transaction: isTransactionOverridable ? pick('tx') : null,
    missing: pick('missing'),
    handling: pick('handling'),
    timeZone: isZoneKnown ? zone : null,
    maxAffected: readMaxAffected(wanted),
    unknown: wanted.filter((part) => !isKnown(part, isZoneKnown)),
  }
}

function firstOf(wanted: string[], name: string, values: readonly string[]): string | undefined {
  for (const part of wanted) {
    const value = part.startsWith(`${name}=`) ? part.slice(name.length + 1) : undefined
    if (value !== undefined && values.includes(value)) return value
  }
  return undefined
}

function readMaxAffected(wanted: string[]): number | null {
  const value = wanted.find((part) => part.startsWith('max-affected='))?.slice(13)
  return value !== undefined && /^-?\d{1,15}$/.test(value) ? Number(value) : null
}

function isKnown(part: string, isZoneKnown: boolean): boolean {
  if (part.startsWith('timezone=')) return isZoneKnown
  if (part.startsWith('max-affected=')) return true
  const [name = '', value = ''] = part.split(/=(.*)/s)
  return Object.hasOwn(KNOWN, name) && (KNOWN[name as keyof typeof KNOWN] as readonly string[]).includes(value)
}

/** The `Preference-Applied` header: what was honoured, in a fixed order; undefined for nothing. */
export function toPreferenceApplied(applied: Partial<Preferences>): string | undefined {
  const parts: string[] = []
  if (applied.resolution) parts.push(`resolution=${applied.resolution}`)
  if (applied.missing) parts.push(`missing=${applied.missing}`)
  if (applied.representation) parts.push(`return=${applied.representation}`)
  if (applied.count) parts.push(`count=${applied.count}`)
  if (applied.transaction) parts.push(`tx=${applied.transaction}`)
  if (applied.handling) parts.push(`handling=${applied.handling}`)
  if (applied.timeZone) parts.push(`timezone=${applied.timeZone}`)
  if (applied.handling === 'strict' && applied.maxAffected !== null && applied.maxAffected !== undefined) {
    parts.push(`max-affected=${applied.maxAffected}`)
  }
  return parts.length === 0 ? undefined : parts.join(', ')
}
