import type { Observe, ProjectRef, RestSettings } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import {
  selectComputedRelationships,
  selectHandlers,
  selectKeys,
  selectNamespaces,
  selectRepresentations,
  selectRoutines,
  selectTables,
  selectVersion,
  selectViews,
} from './queries/catalog.ts'
import { buildSchema } from './schema/build-schema.ts'
import type { ApiSchema } from './schema/schema.ts'

// A request that finds the last check younger than this does nothing; one that finds it older starts a check behind its back;
// one that finds it older than a second waits for it: so a change made behind our doors is seen within that second.
const FRESH_MS = 500
const STALE_MS = 1000

interface Entry {
  /** The settings that it is read by; another object means that they changed. */
  settings: RestSettings
  schema: ApiSchema | null
  checkedAt: number
  /** Counts what makes the schema outdated, so that a change during a reading is not lost. */
  generation: number
  working: Promise<ApiSchema> | null
}

/** The schemas of projects in use, each read once, kept until it changes. */
export interface SchemaCache {
  /** The schema of the project, as fresh as a second. */
  get(project: ProjectScope): Promise<ApiSchema>
  /** Looks again, for a request that missed something; the same object as before when nothing has changed. */
  refresh(project: ProjectScope): Promise<ApiSchema>
  /** Makes the next request read the schema anew. */
  invalidate(ref: ProjectRef): void
  /** Keeps nothing of the project any more. */
  drop(ref: ProjectRef): void
}

export interface SchemaCacheOptions {
  /** How many projects' schemas are kept; the one used longest ago goes first. */
  maxProjects: number
  observe: Observe
  now?: () => number
}

export function createSchemaCache({ maxProjects, observe, now = Date.now }: SchemaCacheOptions): SchemaCache {
  const entries = new Map<ProjectRef, Entry>()

  function entryOf(project: ProjectScope): Entry {
    const settings = project.configuration.rest
    let entry = entries.get(project.ref)
    if (entry === undefined || !isSameExposure(entry.settings, settings)) {
      entry = { settings, schema: null, checkedAt: 0, generation: 0, working: null }
      if (entries.size >= maxProjects) {
        const oldest = entries.keys().next().value
        if (oldest !== undefined) entries.delete(oldest)
      }
    } else {
      entries.delete(project.ref)
      entry.settings = settings
    }
    entries.set(project.ref, entry)
    return entry
  }

  function bringUpToDate(entry: Entry, project: ProjectScope): Promise<ApiSchema> {
    entry.working ??= readCurrent(entry, project).finally(() => {
      entry.working = null
    })
    return entry.working
  }

  async function readCurrent(entry: Entry, project: ProjectScope): Promise<ApiSchema> {
    for (;;) {
      const startedAt = now()
      const { generation } = entry
      const schema = await readSchema(project, entry.schema)
      if (entry.generation !== generation) continue
      entry.schema = schema
      entry.checkedAt = startedAt
      return schema
    }
  }

  return {
    async get(project) {
      const entry = entryOf(project)
      const { schema } = entry
      const age = now() - entry.checkedAt
      if (schema !== null && age < FRESH_MS) return schema
      const current = bringUpToDate(entry, project)
      if (schema === null) return current
      // The old schema still serves while, and if, the new one cannot be read.
      const served = current.catch((cause: unknown) => {
        observe({ kind: 'error', ref: project.ref, code: 'rest.schema_unreadable', cause })
        return schema
      })
      return age < STALE_MS ? schema : served
    },
    async refresh(project) {
      return bringUpToDate(entryOf(project), project)
    },
    drop(ref) {
      entries.delete(ref)
    },
    invalidate(ref) {
      const entry = entries.get(ref)
      if (entry === undefined) return
      entry.generation += 1
      entry.checkedAt = 0
    },
  }
}

function isSameExposure(left: RestSettings, right: RestSettings): boolean {
  if (left === right) return true
  const exposure = ({ schemas, extraSearchPath }: RestSettings) => JSON.stringify([schemas, extraSearchPath])
  return exposure(left) === exposure(right)
}

function readSchema(project: ProjectScope, known: ApiSchema | null): Promise<ApiSchema> {
  const { schemas, extraSearchPath } = project.configuration.rest
  return project.db.asOwner(async (tx) => {
    const version = await selectVersion(tx)
    if (known?.version === version) return known
    return buildSchema(
      {
        version,
        namespaces: await selectNamespaces(tx),
        tables: await selectTables(tx, schemas),
        keys: await selectKeys(tx),
        views: await selectViews(tx, [...schemas, ...extraSearchPath]),
        routines: await selectRoutines(tx, schemas),
        computed: await selectComputedRelationships(tx),
        representations: await selectRepresentations(tx),
        handlers: await selectHandlers(tx, schemas),
      },
      schemas,
    )
  })
}
