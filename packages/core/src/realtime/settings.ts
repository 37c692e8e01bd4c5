import { z } from 'zod'

const count = (max: number) => z.number().int().min(1).max(max)

/** Settings of a project's realtime service. Rates are counted by each server process for itself. */
export const realtimeSettingsSchema = z.object({
  isEnabled: z.boolean(),
  /** Whether channels without policies may be joined. */
  arePublicChannelsAllowed: z.boolean(),
  /** Open WebSockets. */
  maxConnections: count(1_000_000),
  maxChannelsPerConnection: count(10_000),
  maxJoinsPerSecond: count(100_000),
  /** Messages that clients, the HTTP API and the database send; one that many receive counts once. */
  maxMessagesPerSecond: count(1_000_000),
  /** Changes of presence. */
  maxPresencePerSecond: count(100_000),
  /** Of one message. */
  maxPayloadKilobytes: count(3_000),
})

export type RealtimeSettings = z.infer<typeof realtimeSettingsSchema>

/** What a new project has. */
export const DEFAULT_REALTIME_SETTINGS: RealtimeSettings = {
  isEnabled: true,
  arePublicChannelsAllowed: true,
  maxConnections: 10_000,
  maxChannelsPerConnection: 100,
  maxJoinsPerSecond: 500,
  maxMessagesPerSecond: 5_000,
  maxPresencePerSecond: 1_000,
  maxPayloadKilobytes: 256,
}
