import type { ProjectScope } from '@polder/db'
import { bind } from './bind.ts'
import { mediaTypeUnsupported, methodRefused } from './fault.ts'
import { type Access, toOpenApi } from './openapi.ts'
import type { RestRequest } from './parse/api-request.ts'
import { parseAccept, parseMediaType, toMime } from './parse/media-type.ts'
import { ALL_ROWS } from './parse/range.ts'
import { accessStatement } from './queries/access.ts'
import { readQueryShape } from './parse/query-shape.ts'
import { parseQueryParams } from './parse/query-params.ts'
import { getRoutine } from './plan/call-plan.ts'
import { tableNotFound } from './prepare.ts'
import type { Profile, Resource } from './read-request.ts'
import type { RestReply } from './reply.ts'
import { type ApiSchema, nameKey } from './schema/schema.ts'

/** What may be done with a table or function, for OPTIONS. */
export function toOptionsReply(
  schema: ApiSchema,
  namespace: string,
  resource: Exclude<Resource, { kind: 'root' }>,
  request: RestRequest,
): RestReply {
  const name = { schema: namespace, name: resource.name }
  if (resource.kind === 'relation') {
    const table = schema.tables.get(nameKey(name))
    if (table === undefined) throw tableNotFound(schema, name)
    const { isInsertable, isUpdatable, isDeletable, primaryKey } = table
    const isReplaceable = isInsertable && isUpdatable && primaryKey.length > 0
    const methods = ['OPTIONS', 'GET', 'HEAD']
    if (isInsertable) methods.push('POST')
    if (isReplaceable) methods.push('PUT')
    if (isUpdatable) methods.push('PATCH')
    if (isDeletable) methods.push('DELETE')
    return allow(methods)
  }
  const keys = new Set(parseQueryParams(readQueryShape(request.query, true)).arguments.map((argument) => argument.name))
  const contentType = parseMediaType(request.headers['content-type'] ?? 'application/json')
  const routine = getRoutine(schema, { name, keys, contentType, isInvocation: false })
  return allow(routine.volatility === 'volatile' ? ['OPTIONS', 'POST'] : ['OPTIONS', 'GET', 'HEAD', 'POST'])
}

function allow(methods: readonly string[]): RestReply {
  return { status: 200, headers: [['Allow', methods.join(',')]], body: Buffer.alloc(0) }
}

const DOCUMENTED = new Set(['any', 'json', 'openapi'])

/** The root of the API: an OpenAPI document of what the caller may use. */
export async function describeRoot(schema: ApiSchema, profile: Profile, project: ProjectScope, request: RestRequest): Promise<RestReply> {
  if (request.method === 'OPTIONS') return allow(['OPTIONS', 'GET', 'HEAD'])
  if (request.method !== 'GET' && request.method !== 'HEAD') throw methodRefused(request.method, false)
  const accepted = parseAccept(request.headers.accept)
  if (!accepted.some(({ kind }) => DOCUMENTED.has(kind))) throw mediaTypeUnsupported(accepted.map(toMime))
  const { text, parameters } = accessStatement(profile.schema)
  const { rows } = await project.db.asCaller({
    text,
    values: bind(parameters, { slots: [], payload: null, range: ALL_ROWS, maxRows: null }),
    isReadOnly: true,
    request: { method: request.method, path: request.path, headers: '{}', cookies: '{}' },
    searchPath: [],
  })
  const nothing: Access = { tables: [], routines: [], description: null }
  const access = rows[0]?.[0] == null ? nothing : (JSON.parse(rows[0][0].toString('utf8')) as Access)
  const document = toOpenApi(schema, profile.schema, access, new URL(`${project.configuration.url}/rest/v1/`))
  const headers: RestReply['headers'] = [['Content-Type', 'application/openapi+json; charset=utf-8']]
  if (profile.isTold) headers.push(['Content-Profile', profile.schema])
  return { status: 200, headers, body: request.method === 'HEAD' ? null : Buffer.from(JSON.stringify(document)) }
}
