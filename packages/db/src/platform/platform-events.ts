import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Observe } from '@polder/core'
import { sql } from 'kysely'
import type { Client, ClientConfig } from 'pg'
import { z } from 'zod'
import { makeClient } from '../connect.ts'
import type { PlatformDatabase } from './platform-database.ts'

const CHANNEL = 'polder_events'
const MAX_UNSENT = 10_000
const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 5_000

const eventSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('project_changed'), ref: z.string() }),
  z.object({ type: z.literal('project_removed'), ref: z.string() }),
  z.object({ type: z.literal('operation_changed'), id: z.string(), ref: z.string(), hasEnded: z.boolean().optional() }),
  z.object({ type: z.literal('functions_changed'), ref: z.string() }),
  z.object({ type: z.literal('schema_changed'), ref: z.string() }),
  z.object({ type: z.literal('access_changed'), accountId: z.string() }),
])

const messageSchema = z.object({ from: z.string().nullable(), event: eventSchema })

/** Something that every server process should know of. `resync`: events may have been missed, so believe no cache. */
export type PlatformEvent = z.infer<typeof eventSchema> | { type: 'resync' }

export type PublishedEvent = z.infer<typeof eventSchema>

/** News between server processes: small facts to look something up again, never the facts themselves. */
export interface PlatformEvents {
  /** Whether news of other processes arrive at the moment. */
  readonly isConnected: boolean
  /**
   * Tells every process. Without a transaction this one hears it before the call returns; with one, all hear it when
   * it is committed, and none if it is rolled back.
   */
  publish(event: PublishedEvent, tx?: PlatformDatabase): Promise<void>
  subscribe(listener: (event: PlatformEvent) => void): () => void
  close(): Promise<void>
}

/** Listens on one connection of its own to the platform database, and comes back by itself when that is lost. */
export async function openPlatformEvents(options: { connection: ClientConfig; observe: Observe }): Promise<PlatformEvents> {
  const ownId = randomUUID()
  const listeners = new Set<(event: PlatformEvent) => void>()
  let unsent: string[] = []
  let sending = Promise.resolve()
  let client: Client | undefined
  let isClosed = false
  const closing = new AbortController()

  function deliver(event: PlatformEvent): void {
    for (const listener of listeners) {
      try {
        listener(event)
      } catch (cause) {
        options.observe({ kind: 'error', code: 'system.unexpected', cause })
      }
    }
  }

  function receive(payload: string | undefined): void {
    const message = messageSchema.safeParse(parseJson(payload))
    if (message.success && message.data.from !== ownId) deliver(message.data.event)
  }

  async function connect(): Promise<void> {
    const next = makeClient({ keepAlive: true, connectionTimeoutMillis: 5_000, application_name: 'polder_events', ...options.connection })
    next.on('notification', (notification) => receive(notification.payload))
    next.once('end', () => {
      if (client !== next) return
      client = undefined
      if (!isClosed) void reconnect()
    })
    try {
      await next.connect()
      await next.query(`listen ${CHANNEL}`)
    } catch (error) {
      await next.end().catch(() => {})
      throw error
    }
    client = next
    const waiting = unsent
    unsent = []
    for (const text of waiting) await send(text)
  }

  async function reconnect(): Promise<void> {
    options.observe({ kind: 'server', event: 'warning', message: 'The connection for platform events is lost; trying again.' })
    for (let pause = FIRST_PAUSE_MS; !isClosed; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      try {
        await connect()
        return deliver({ type: 'resync' })
      } catch {
        // What happens meanwhile is made good by the resync that follows a connection.
        await sleep(pause, undefined, { signal: closing.signal, ref: false }).catch(() => {})
      }
    }
  }

  // One after the other, in the order of the calls: pg is giving up its own queue.
  function send(text: string): Promise<void> {
    sending = sending.then(() => sendNow(text))
    return sending
  }

  async function sendNow(text: string): Promise<void> {
    try {
      if (client === undefined) throw new Error('not connected')
      await client.query('select pg_notify($1, $2)', [CHANNEL, text])
    } catch {
      if (unsent.length < MAX_UNSENT) unsent.push(text)
    }
  }

  await connect()
  return {
    get isConnected() {
      return client !== undefined
    },
    async publish(event, tx) {
      if (tx !== undefined) {
        const text = JSON.stringify({ from: null, event })
        await sql`select pg_notify(${CHANNEL}, ${text})`.execute(tx)
        return
      }
      deliver(event)
      await send(JSON.stringify({ from: ownId, event }))
    },
    subscribe(listener) {
      // Wrapped, so that the same function subscribed twice is heard twice and leaves once.
      const own = (event: PlatformEvent) => listener(event)
      listeners.add(own)
      return () => void listeners.delete(own)
    },
    async close() {
      isClosed = true
      closing.abort()
      listeners.clear()
      const last = client
      client = undefined
      if (last === undefined) return
      const gone = new Promise<void>((resolve) => last.once('end', () => resolve()))
      await last.end().catch(() => {})
      await gone
    },
  }
}

function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '')
  } catch {
    return undefined
  }
}
