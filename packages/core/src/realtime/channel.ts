import { z } from 'zod'

/** A topic that somebody listens to, over all server processes. */
export const realtimeChannelSchema = z.object({
  topic: z.string(),
  isPrivate: z.boolean(),
  subscribers: z.number().int(),
  /** Keys that are present. */
  presences: z.number().int(),
})

export type RealtimeChannel = z.infer<typeof realtimeChannelSchema>

/** What goes on in a project at the moment; the counters only ever grow. */
export const realtimeStatisticsSchema = z.object({
  connections: z.number().int(),
  channels: z.number().int(),
  /** Messages that were sent: by clients, the HTTP API and the database. */
  sent: z.number().int(),
  /** Messages that were handed to subscribers. */
  delivered: z.number().int(),
  /** Changes of rows that were looked at for subscribers. */
  changes: z.number().int(),
})

export type RealtimeStatistics = z.infer<typeof realtimeStatisticsSchema>

/** A table that can be in the publication whose changes are told. */
export const publishedTableSchema = z.object({
  schema: z.string(),
  name: z.string(),
  isPublished: z.boolean(),
  hasRowSecurity: z.boolean(),
  hasPrimaryKey: z.boolean(),
  /** Whether old values are told whole, and not only the key. */
  tellsOldRows: z.boolean(),
})

export type PublishedTable = z.infer<typeof publishedTableSchema>

/** A policy that private channels are judged by. */
export const realtimePolicySchema = z.object({
  name: z.string(),
  command: z.enum(['select', 'insert', 'update', 'delete', 'all']),
  roles: z.string().array(),
  isPermissive: z.boolean(),
  using: z.string().nullable(),
  check: z.string().nullable(),
})

export type RealtimePolicy = z.infer<typeof realtimePolicySchema>
