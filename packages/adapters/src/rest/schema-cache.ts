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
  selectViews,
} from './queries/catalog.ts'
import { selectRoleSettings, selectVersion } from './queries/catalog-version.ts'
import { withDatabaseSettings } from './database-settings.ts'
import { buildSchema } from './schema/build-schema.ts'
import type { ApiSchema } from './schema/schema.ts'
import { toDatabaseSettings } from './schema/transaction-settings.ts'

// A request that finds the last check younger than this does nothing; one that finds it older starts a check behind its back;
// one that finds it older than a second waits for it: so a change made behind our doors is seen within that second.
const FRESH_MS = 500
const STALE_MS = 1000

/** What is known of a project's API: its schema, and the settings in force, those of its database among them. */
export interface KnownSchema {
  schema: ApiSchema
  settings: RestSettings
}

interface Entry {
  /** The project's settings that it is read by; another object means that they changed. */
  settings: RestSettings
  known: KnownSchema | null
  checkedAt: number
  usedAt: number
  /** Counts what makes the schema outdated, so that a change during a reading is not lost. */
  generation: number
  /** The newest reading, under way or waiting for the one before it, and the last change that it is sure to see. */
  working: { generation: number; result: Promise<KnownSchema> } | null
}

/** The schemas of projects in use, each read once, kept until it changes. */
export interface SchemaCache {
  /** What is known, if that is so fresh that nobody needs to wait or look. */
  find(project: ProjectScope): KnownSchema | undefined
  /** The schema of the project, as fresh as a second. */
  get(project: ProjectScope): Promise<KnownSchema>
  /** Looks again, for a request that missed something; the same object as before when nothing has changed. */
  refresh(project: ProjectScope): Promise<KnownSchema>
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
      if (entry === undefined && entries.size >= maxProjects) dropOldest()
      entry = { settings, known: null, checkedAt: 0, usedAt: 0, generation: 0, working: null }
      entries.set(project.ref, entry)
    } else if (entry.settings !== settings) {
      entry.settings = settings
      if (entry.known !== null) entry.known = toKnown(entry.known.schema, settings)
    }
    entry.usedAt = now()
    return entry
  }

  function dropOldest(): void {
    const [oldest] = [...entries].sort(([, left], [, right]) => left.usedAt - right.usedAt)
    if (oldest !== undefined) entries.delete(oldest[0])
  }

  function bringUpToDate(entry: Entry, project: ProjectScope): Promise<KnownSchema> {
    const { generation, working: before } = entry
    if (before?.generation === generation) return before.result
    // A reading that began before the last change may have missed it: another one follows, for whoever asks from now on.
    const result = before === null ? readCurrent(entry, project) : before.result.catch(() => {}).then(() => readCurrent(entry, project))
    const working = { generation, result }
    entry.working = working
    const end = () => {
      if (entry.working === working) entry.working = null
    }
    result.then(end, end)
    return result
  }

  async function readCurrent(entry: Entry, project: ProjectScope): Promise<KnownSchema> {
    const startedAt = now()
    const { generation, settings } = entry
    const schema = await readSchema(project, settings, entry.known?.schema ?? null)
    // The same object again as long as nothing has changed: plans are kept by it.
    if (entry.known?.schema !== schema) entry.known = toKnown(schema, entry.settings)
    if (entry.generation === generation) entry.checkedAt = startedAt
    return entry.known
  }

  return {
    find(project) {
      const entry = entries.get(project.ref)
      if (entry === undefined || entry.known === null || entry.settings !== project.configuration.rest) return undefined
      const at = now()
      if (at - entry.checkedAt >= FRESH_MS) return undefined
      entry.usedAt = at
      return entry.known
    },
    async get(project) {
      const entry = entryOf(project)
      const { known } = entry
      const age = now() - entry.checkedAt
      if (known !== null && age < FRESH_MS) return known
      const current = bringUpToDate(entry, project)
      if (known === null) return current
      // The old schema still serves while, and if, the new one cannot be read.
      const served = current.catch((cause: unknown) => {
        observe({ kind: 'error', ref: project.ref, code: 'rest.schema_unreadable', cause })
        return known
      })
      return age < STALE_MS ? known : served
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

function toKnown(schema: ApiSchema, settings: RestSettings): KnownSchema {
  return { schema, settings: schema.databaseSettings.size === 0 ? settings : withDatabaseSettings(settings, schema.databaseSettings) }
}

function isSameExposure(left: RestSettings, right: RestSettings): boolean {
  if (left === right) return true
  const exposure = ({ schemas, extraSearchPath }: RestSettings) => JSON.stringify([schemas, extraSearchPath])
  return exposure(left) === exposure(right)
}

function readSchema(project: ProjectScope, settings: RestSettings, known: ApiSchema | null): Promise<ApiSchema> {
  return project.db.asOwner(async (tx) => {
    const version = await selectVersion(tx)
    if (known?.version === version) return known
    const roleSettings = await selectRoleSettings(tx)
    const { schemas, extraSearchPath } = withDatabaseSettings(settings, toDatabaseSettings(roleSettings))
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
        roleSettings,
      },
      schemas,
    )
  })
}
