import type { ProjectScope } from '@polder/db'
import { methodRefused, restError } from './fault.ts'
import type { RestRequest } from './parse/api-request.ts'
import { parseMediaType } from './parse/media-type.ts'
import { readQueryShape } from './parse/query-shape.ts'
import { parseQueryParams } from './parse/query-params.ts'
import { getRoutine } from './plan/call-plan.ts'
import { tableNotFound } from './prepare.ts'
import type { Resource } from './read-request.ts'
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

/** The root of the API. */
export function describeRoot(_schema: ApiSchema, _namespace: string, _project: ProjectScope, request: RestRequest): RestReply {
  if (request.method === 'OPTIONS') return allow(['OPTIONS', 'GET', 'HEAD'])
  if (request.method !== 'GET' && request.method !== 'HEAD') throw methodRefused(request.method, false)
  throw restError('rest.relation_not_found', 'Root endpoint metadata is disabled', { pgrst: 'PGRST126', status: 404 })
}
