import { ServiceError, type EdgeFunction, type ProjectRef } from '@polder/core'

/** The functions of projects that were asked for, until somebody says that they changed. */
export interface FunctionRegistry {
  /** Throws `functions.not_found`. */
  get(ref: ProjectRef, name: string): Promise<EdgeFunction>
  forget(ref: string): void
  clear(): void
}

interface Entry {
  loading: Promise<ReadonlyMap<string, EdgeFunction>>
  since: number
}

const MAX_PROJECTS = 2_000
/** How long what is known is believed while no news arrive. */
const DEAF_MS = 2_000

export function createFunctionRegistry(options: {
  load(ref: ProjectRef): Promise<EdgeFunction[]>
  /** Whether changes by other processes are told of at the moment. */
  isListening(): boolean
}): FunctionRegistry {
  const entries = new Map<string, Entry>()

  function find(ref: ProjectRef): Promise<ReadonlyMap<string, EdgeFunction>> {
    const known = entries.get(ref)
    if (known !== undefined && (options.isListening() || Date.now() - known.since < DEAF_MS)) return known.loading
    const loading = options.load(ref).then((list) => new Map(list.map((each) => [each.name, each])))
    const entry = { loading, since: Date.now() }
    loading.catch(() => entries.get(ref) === entry && entries.delete(ref))
    if (entries.size >= MAX_PROJECTS) entries.delete(entries.keys().next().value as string)
    entries.set(ref, entry)
    return loading
  }

  return {
    async get(ref, name) {
      const found = (await find(ref)).get(name)
      if (found === undefined) throw new ServiceError('functions.not_found')
      return found
    },
    forget: (ref) => void entries.delete(ref),
    clear: () => entries.clear(),
  }
}
