import { EXPORT_TYPES, type LogsAdapter } from '@polder/adapters/logs'
import { exportLogsSchema, mayDo, projectRefSchema, ServiceError, type ExportLogs, type ProjectRef } from '@polder/core'
import { selectProjectMembership, type PlatformDatabase, type SecretBox } from '@polder/db'
import { z } from 'zod'
import type { Actor } from './actor.ts'

export interface LogExportsDependencies {
  platform: PlatformDatabase
  box: SecretBox
  logs: Pick<LogsAdapter, 'export'>
  publicUrl: string
}

/** A text that is made while it is sent. */
export interface Download {
  fileName: string
  type: string
  pieces: AsyncGenerator<string>
}

export type LogExports = ReturnType<typeof createLogExports>

const VALID_MS = 60_000
const SEALED_AS = 'log_export'

const ticketSchema = z.object({ accountId: z.uuid(), until: z.number(), export: exportLogsSchema })

/**
 * Exports of logs as files that a browser fetches: tRPC gives an address that is good for a minute, and the address says in sealed
 * form who asked for what. Nothing is kept meanwhile, so any server process can answer.
 */
export function createLogExports({ platform, box, logs, publicUrl }: LogExportsDependencies) {
  return {
    create(actor: Actor, ref: ProjectRef, input: ExportLogs): { url: string; expiresAt: Date } {
      const until = Date.now() + VALID_MS
      const ticket = box.seal(ref, SEALED_AS, JSON.stringify({ accountId: actor.accountId, until, export: input }))
      return { url: `${publicUrl}/downloads/logs/${ref}/${ticket.toString('base64url')}`, expiresAt: new Date(until) }
    },

    /** Throws `request.not_found` for an address that is not ours, is too old, or was given to somebody who may no longer read the log. */
    async open(ref: string, ticketText: string): Promise<Download> {
      const project = projectRefSchema.safeParse(ref).data
      const ticket = project && openTicket(box, project, ticketText)
      if (!ticket || ticket.until < Date.now()) throw new ServiceError('request.not_found')
      const membership = await selectProjectMembership(platform, project, ticket.accountId)
      if (!membership || !mayDo(membership.role, 'logs.read')) throw new ServiceError('request.not_found')
      const { format, range } = ticket.export
      const fileName = `${project}-log-${range.from.toISOString().slice(0, 16).replaceAll(/[:T]/g, '-')}.${format}`
      return { fileName, type: EXPORT_TYPES[format], pieces: logs.export({ ref: project }, ticket.export) }
    },
  }
}

function openTicket(box: SecretBox, ref: string, text: string): z.infer<typeof ticketSchema> | undefined {
  try {
    return ticketSchema.parse(JSON.parse(box.open(ref, SEALED_AS, Buffer.from(text, 'base64url'))))
  } catch {
    return undefined
  }
}
