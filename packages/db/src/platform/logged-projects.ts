import { projectSettingsSchema, type LogsSettings } from '@polder/core'
import type { PlatformDatabase } from './platform-database.ts'

/** How the projects among these refs want to be logged. */
export async function selectLogsSettings(tx: PlatformDatabase, refs: readonly string[]): Promise<Map<string, LogsSettings>> {
  const rows = await tx
    .selectFrom('projects')
    .select(['ref', 'settings'])
    .where('ref', 'in', refs.length > 0 ? [...refs] : [''])
    .execute()
  return new Map(rows.map(({ ref, settings }) => [ref, projectSettingsSchema.parse(settings).logs]))
}

/** For how many days every project keeps its lines. */
export async function selectLogRetention(tx: PlatformDatabase): Promise<Map<string, number>> {
  const rows = await tx.selectFrom('projects').select(['ref', 'settings']).execute()
  return new Map(rows.map(({ ref, settings }) => [ref, projectSettingsSchema.parse(settings).logs.retentionDays]))
}
