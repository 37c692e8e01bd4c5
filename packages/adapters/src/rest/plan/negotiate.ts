import { mediaTypeUnsupported } from '../fault.ts'
import type { ApiRequest } from '../parse/api-request.ts'
import { type MediaType, parseMediaType, toMime } from '../parse/media-type.ts'
import { type ApiSchema, type MediaHandler, type QualifiedName, nameKey } from '../schema/schema.ts'
import type { ReadNode } from './read-plan.ts'

/** How the body is made of the rows. */
export type BodyFormat =
  | { kind: 'none' }
  | { kind: 'array' | 'single'; isStripped: boolean }
  | { kind: 'csv' | 'geojson' }
  | { kind: 'custom'; handler: MediaHandler }

export interface Negotiated {
  format: BodyFormat
  media: MediaType
}

/** The first of the media types that the client accepts and that can be made of the rows. Throws PGRST107. */
export function negotiate(
  schema: ApiSchema,
  request: ApiRequest,
  relation: QualifiedName,
  read: ReadNode,
  isPlanAllowed: boolean,
): Negotiated {
  const isDefault = isDefaultSelect(read)
  for (const accepted of request.accept) {
    const found = match(schema, accepted, relation, isDefault, isPlanAllowed)
    if (found !== undefined) return { ...found, format: isBodyWanted(request) ? found.format : { kind: 'none' } }
  }
  throw mediaTypeUnsupported(request.accept.map(toMime))
}

function isBodyWanted({ action, preferences }: ApiRequest): boolean {
  if (action.kind === 'read' || action.kind === 'call') return !action.isHead
  return preferences.representation === 'representation'
}

function isDefaultSelect({ select, children }: ReadNode): boolean {
  return children.length === 0 && select.length === 1 && select[0]?.field.name === '*' && select[0].aggregate === null
}

function match(
  schema: ApiSchema,
  media: MediaType,
  relation: QualifiedName,
  isDefault: boolean,
  isPlanAllowed: boolean,
): Negotiated | undefined {
  if (media.kind === 'singular') return { format: { kind: 'single', isStripped: media.isStripped }, media }
  if (media.kind === 'stripped_array') return { format: { kind: 'array', isStripped: true }, media }
  if (media.kind === 'plan') {
    const of = isPlanAllowed && media.of.kind !== 'plan' ? match(schema, media.of, relation, isDefault, false) : undefined
    return of === undefined ? undefined : { format: of.format, media }
  }
  const own = isDefault ? (findHandler(schema, relation, { kind: 'any' }) ?? findHandler(schema, relation, media)) : undefined
  const custom = own ?? findHandler(schema, null, media)
  if (custom !== undefined) return { format: { kind: 'custom', handler: custom }, media: parseMediaType(custom.resolvedType) }
  switch (media.kind) {
    case 'any':
    case 'json':
      return { format: { kind: 'array', isStripped: false }, media: { kind: 'json' } }
    case 'csv':
    case 'geojson':
      return { format: { kind: media.kind }, media }
    default:
      return undefined
  }
}

function findHandler(schema: ApiSchema, relation: QualifiedName | null, media: MediaType): MediaHandler | undefined {
  if (schema.handlers.length === 0) return undefined
  const wanted = toMime(media)
  return schema.handlers.find((handler) => {
    const isTarget = relation === null ? handler.target === null : handler.target !== null && nameKey(handler.target) === nameKey(relation)
    return isTarget && toMime(parseMediaType(handler.mediaType)) === wanted
  })
}
