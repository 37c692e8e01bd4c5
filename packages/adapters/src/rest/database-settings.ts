import { type RestSettings, restSettingsSchema } from '@polder/core'

type Read = (text: string) => Partial<RestSettings>

const list = (text: string) =>
  text
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')
const isTrue = (text: string) => /^(?:true|on|yes|1)$/i.test(text)

// PostgREST's names (src/PostgREST/Config/Database.hs) for what a project can set here. Who may use the API at all is not among
// them: that is decided before the database is asked.
const READERS: Record<string, Read> = {
  db_schemas: (text) => ({ schemas: list(text) }),
  db_extra_search_path: (text) => ({ extraSearchPath: list(text) }),
  db_max_rows: (text) => ({ maxRows: text === '' ? null : Number(text) }),
  db_pre_request: (text) => ({ preRequest: text === '' ? null : text }),
  db_aggregates_enabled: (text) => ({ areAggregatesAllowed: isTrue(text) }),
  db_plan_enabled: (text) => ({ isPlanAllowed: isTrue(text) }),
  db_tx_end: (text) => ({ transactionEnd: text as RestSettings['transactionEnd'] }),
}

/**
 * The settings, with what `alter role authenticator set pgrst.… = …` says before them. What makes no sense is left out, so that a
 * wrong line in a migration cannot take the API away.
 */
export function withDatabaseSettings(settings: RestSettings, inDatabase: ReadonlyMap<string, string>): RestSettings {
  let merged = settings
  for (const [name, text] of inDatabase) {
    const read = Object.hasOwn(READERS, name) ? READERS[name] : undefined
    const parsed = read === undefined ? undefined : restSettingsSchema.safeParse({ ...merged, ...read(text) })
    if (parsed?.success) merged = parsed.data
  }
  return merged
}
