import type { ProjectRef, ProjectStatus } from '@polder/core'
import { findStoredProject } from './platform/project-configurations.ts'
import { openProject, type OpenProject } from './project/open-project.ts'
import type { ServiceRouterOptions } from './service-router.ts'

/** A project as it was found: open if it is active, nothing if there is none. */
export type CachedProject = { status: ProjectStatus; project: OpenProject | undefined } | undefined

/** Projects that were asked for, until somebody says that they changed. */
export interface ProjectCache {
  readonly size: number
  /** At once if it is known; otherwise loaded, once for all who ask meanwhile. */
  find(ref: ProjectRef): CachedProject | Promise<CachedProject>
  forget(ref: string): void
  clear(): void
}

interface Entry {
  /** Undefined while it is loaded. */
  found: { value: CachedProject } | undefined
  loading: Promise<CachedProject>
  since: number
}

const MISSING_MS = 2_000
const DEAF_MS = 3_000
const MAX_MISSING = 1_000

type Options = Pick<
  ServiceRouterOptions,
  | 'platform'
  | 'box'
  | 'pools'
  | 'events'
  | 'addressOf'
  | 'replication'
  | 'publicUrl'
  | 'ledger'
  | 'ensureMigrated'
  | 'maxProjects'
  | 'opens'
>

/** Makes the cache; it holds no connection and runs no timer. */
export function createProjectCache(options: Options): ProjectCache {
  const { maxProjects = 2_000, opens = ['active'] } = options
  const entries = new Map<string, Entry>()
  // Refs that nothing is behind, so that asking for them again and again does not reach the platform database.
  const missing = new Map<string, number>()

  async function load(ref: ProjectRef): Promise<CachedProject> {
    const urlOf = (of: string) => `${options.publicUrl}/projects/${of}`
    let stored = await findStoredProject(options.platform, options.box, ref, urlOf)
    if (stored?.configuration.status === 'active' && stored.ledger !== options.ledger) {
      await options.ensureMigrated(ref)
      stored = await findStoredProject(options.platform, options.box, ref, urlOf)
    }
    if (stored === undefined) return undefined
    const { status } = stored.configuration
    if (!opens.includes(status)) {
      // One that is just being made has connections of its maker.
      if (status !== 'provisioning' && status !== 'starting') void options.pools.closeProject(ref)
      return { status, project: undefined }
    }
    return { status, project: openProject(stored, await options.addressOf(stored.clusterId), options) }
  }

  function start(ref: ProjectRef): Promise<CachedProject> {
    const loading = load(ref)
    const entry: Entry = { found: undefined, loading, since: Date.now() }
    if (entries.size >= maxProjects) entries.delete(entries.keys().next().value!)
    entries.set(ref, entry)
    // An entry that was forgotten meanwhile answers those who asked before the change, and nobody after.
    loading.then(
      (value) => {
        if (value !== undefined) entry.found = { value }
        else if (entries.get(ref) === entry) rememberMissing(ref, entry)
      },
      () => dropEntry(ref, entry),
    )
    return loading
  }

  function rememberMissing(ref: string, entry: Entry): void {
    dropEntry(ref, entry)
    if (missing.size >= MAX_MISSING) missing.delete(missing.keys().next().value!)
    missing.set(ref, Date.now() + MISSING_MS)
  }

  function dropEntry(ref: string, entry: Entry): void {
    if (entries.get(ref) === entry) entries.delete(ref)
  }

  return {
    get size() {
      return entries.size
    },
    find(ref) {
      const entry = entries.get(ref)
      if (entry !== undefined) {
        // Nobody tells us of changes just now, so what is known is only believed for a moment.
        const isStale = !options.events.isConnected && Date.now() - entry.since > DEAF_MS
        if (!isStale) return entry.found === undefined ? entry.loading : entry.found.value
        entries.delete(ref)
      }
      const until = missing.get(ref)
      if (until !== undefined) {
        if (until > Date.now()) return undefined
        missing.delete(ref)
      }
      return start(ref)
    },
    forget(ref) {
      entries.delete(ref)
      missing.delete(ref)
    },
    clear() {
      entries.clear()
      missing.clear()
    },
  }
}
