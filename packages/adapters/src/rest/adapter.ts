import type { ApiTable, Observe, ProjectRef } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import { findRestFault } from './fault.ts'
import type { RestRequest } from './parse/api-request.ts'
import { createPlanCache } from './plan-cache.ts'
import { type Prepared, prepare } from './prepare.ts'
import { readProfile, readRequest, readResource, type ReadRequest } from './read-request.ts'
import type { RestReply } from './reply.ts'
import { describeRoot, toOptionsReply } from './describe.ts'
import { type AnswerOptions, execute } from './execute.ts'
import { createSchemaCache, type KnownSchema } from './schema-cache.ts'

/** The data API of a project: PostgREST's meaning of a request, run as the caller. */
export interface RestAdapter {
  /** Answers one request. Throws ServiceErrors that `findRestFault` reads, or `rest.database_error` with Postgres' own error as its cause. */
  answer(project: ProjectScope, request: RestRequest, options?: AnswerOptions): Promise<RestReply>
  /** What the API exposes, whoever may use it. */
  listTables(project: ProjectScope): Promise<ApiTable[]>
  /** Forgets what is known of a project's database: to be called after a change of it. */
  forgetSchema(ref: ProjectRef): void
  /** Lets go of everything kept for a project that nobody uses just now: an idle one costs no memory. */
  release(ref: ProjectRef): void
}

export interface RestAdapterOptions {
  observe?: Observe
  /** How many projects' schemas are kept in memory. */
  maxSchemas?: number
  /** How many shapes of requests are kept for each schema. */
  maxPlans?: number
}

// What is not in the schema may have been made a moment ago, behind our doors.
const MISSES = new Set(['PGRST200', 'PGRST202', 'PGRST204', 'PGRST205'])

export function createRestAdapter({ observe = () => {}, maxSchemas = 200, maxPlans = 1000 }: RestAdapterOptions = {}): RestAdapter {
  const schemas = createSchemaCache({ maxProjects: maxSchemas, observe })
  const plans = createPlanCache(maxPlans)

  async function withFreshSchema<Result>(project: ProjectScope, known: KnownSchema, work: (known: KnownSchema) => Result): Promise<Result> {
    try {
      return work(known)
    } catch (error) {
      if (!MISSES.has(findRestFault(error)?.pgrst ?? '')) throw error
      const fresh = await schemas.refresh(project)
      if (fresh.schema === known.schema) throw error
      return work(fresh)
    }
  }

  function findOrPrepare({ schema, settings }: KnownSchema, read: ReadRequest): Prepared {
    const known = read.key === null ? undefined : plans.find(schema, settings, read.key)
    if (known !== undefined) return known
    const prepared = prepare(schema, settings, read.toApiRequest())
    if (read.key !== null) plans.add(schema, settings, read.key, prepared)
    return prepared
  }

  return {
    async answer(project, request, options) {
      const resource = readResource(request.path)
      const known = schemas.find(project) ?? (await schemas.get(project))
      const { schema, settings } = known
      if (resource.kind === 'root') return describeRoot(schema, readProfile(settings, request), project, request)
      if (request.method === 'OPTIONS') {
        const { schema: namespace } = readProfile(settings, request)
        return withFreshSchema(project, known, (fresh) => toOptionsReply(fresh.schema, namespace, resource, request))
      }
      const read = readRequest(settings, request, resource)
      const prepared = await withFreshSchema(project, known, (fresh) => findOrPrepare(fresh, read))
      return execute({ project, request, read, prepared, isStreamed: options?.isStreamed, cancellation: options?.cancellation })
    },
    async listTables(project) {
      const { schema } = await schemas.get(project)
      return [...schema.tables.values()].map(({ schema: namespace, name, columns, isInsertable, isUpdatable, isDeletable }) => ({
        schema: namespace,
        name,
        columns: [...columns.values()].map((column) => ({ name: column.name, type: column.nominalType })),
        isInsertable,
        isUpdatable,
        isDeletable,
      }))
    },
    forgetSchema: (ref) => schemas.invalidate(ref),
    release: (ref) => schemas.drop(ref),
  }
}
