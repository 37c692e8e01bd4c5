/** A media type that was asked for or is produced, as far as we tell them apart. */
export type MediaType =
  | { kind: 'any' }
  | { kind: 'json' | 'geojson' | 'csv' | 'text' | 'xml' | 'openapi' | 'form' | 'binary' }
  | { kind: 'singular'; isStripped: boolean }
  | { kind: 'stripped_array' }
  | { kind: 'plan'; of: MediaType; format: 'json' | 'text'; options: PlanOption[] }
  | { kind: 'other'; text: string }

export const PLAN_OPTIONS = ['analyze', 'verbose', 'settings', 'buffers', 'wal'] as const
export type PlanOption = (typeof PLAN_OPTIONS)[number]

const BY_NAME: Record<string, MediaType> = {
  '*/*': { kind: 'any' },
  'application/json': { kind: 'json' },
  'application/geo+json': { kind: 'geojson' },
  'text/csv': { kind: 'csv' },
  'text/plain': { kind: 'text' },
  'text/xml': { kind: 'xml' },
  'application/openapi+json': { kind: 'openapi' },
  'application/x-www-form-urlencoded': { kind: 'form' },
  'application/octet-stream': { kind: 'binary' },
}
const NAMES = new Map(Object.entries(BY_NAME).map(([name, type]) => [type.kind, name]))

/** Reads one media type with its parameters. */
export function parseMediaType(source: string): MediaType {
  const name = /^[a-zA-Z0-9.*]+\/[a-zA-Z0-9.*+-]+/.exec(source)?.[0].toLowerCase()
  if (name === undefined) return { kind: 'other', text: source }
  const found = Object.hasOwn(BY_NAME, name) ? BY_NAME[name] : undefined
  if (found !== undefined) return found
  const parameters = readParameters(source.slice(name.length))
  const isStripped = parameters.get('nulls') === 'stripped'
  switch (name) {
    case 'application/vnd.pgrst.object':
    case 'application/vnd.pgrst.object+json':
      return { kind: 'singular', isStripped }
    case 'application/vnd.pgrst.array':
    case 'application/vnd.pgrst.array+json':
      return isStripped ? { kind: 'stripped_array' } : { kind: 'json' }
    case 'application/vnd.pgrst.plan':
    case 'application/vnd.pgrst.plan+text':
      return readPlan('text', parameters)
    case 'application/vnd.pgrst.plan+json':
      return readPlan('json', parameters)
    default:
      return { kind: 'other', text: source }
  }
}

function readPlan(format: 'json' | 'text', parameters: Map<string, string>): MediaType {
  const asked = (parameters.get('options') ?? '').split('|')
  const options = PLAN_OPTIONS.filter((option) => asked.includes(option))
  return { kind: 'plan', of: parseMediaType(parameters.get('for') ?? 'application/json'), format, options }
}

function readParameters(source: string): Map<string, string> {
  const parameters = new Map<string, string>()
  const each = /\s*;\s*([a-zA-Z0-9-]+)\s*=\s*(?:"([^"]*)"|([a-zA-Z0-9|-]+))/y
  for (let match = each.exec(source); match !== null; match = each.exec(source)) {
    parameters.set((match[1] ?? '').toLowerCase(), match[2] ?? match[3] ?? '')
  }
  return parameters
}

/** The types of an `Accept` header in the order of their quality; all types without one. */
export function parseAccept(header: string | undefined): MediaType[] {
  if (header === undefined) return [{ kind: 'any' }]
  return splitOutsideQuotes(header)
    .map((part) => {
      const quality = /;\s*q\s*=\s*([\d.]+)/.exec(part)
      const text = part.replace(/;\s*q\s*=\s*[\d.]+/, '').trim()
      return { text, quality: quality === null ? 1 : Number(quality[1]) }
    })
    .toSorted((left, right) => right.quality - left.quality)
    .map(({ text }) => parseMediaType(text))
}

function splitOutsideQuotes(header: string): string[] {
  return header.match(/(?:[^,"]|"[^"]*"?)+/g) ?? [header]
}

/** The name of a media type with its parameters, without a charset. */
export function toMime(type: MediaType): string {
  switch (type.kind) {
    case 'singular':
      return `application/vnd.pgrst.object+json${type.isStripped ? ';nulls=stripped' : ''}`
    case 'stripped_array':
      return 'application/vnd.pgrst.array+json;nulls=stripped'
    case 'plan': {
      const options = type.options.length === 0 ? '' : `; options=${type.options.join('|')}`
      return `application/vnd.pgrst.plan+${type.format}; for="${toMime(type.of)}"${options}`
    }
    case 'other':
      return type.text
    default:
      return NAMES.get(type.kind) ?? '*/*'
  }
}

/** The `Content-Type` header of an answer of that type. */
export function toContentType(type: MediaType): string {
  const mime = toMime(type)
  return type.kind === 'binary' || type.kind === 'other' ? mime : `${mime}; charset=utf-8`
}
