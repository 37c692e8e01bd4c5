import type { StorageAdapter } from '@polder/adapters/storage'
import { archiveFilesSchema, mayDo, projectRefSchema, ServiceError, type ArchiveFiles } from '@polder/core'
import { selectProjectMembership, type PlatformDatabase, type ProjectScope, type SecretBox } from '@polder/db'
import { z } from 'zod'
import type { Actor } from './actor.ts'

export interface StorageDownloadsDependencies {
  platform: PlatformDatabase
  box: SecretBox
  storage: StorageAdapter
  open(ref: string): Promise<ProjectScope>
  publicUrl: string
}

/** An archive that is made while it is sent. */
export interface FileDownload {
  fileName: string
  pieces: AsyncGenerator<Uint8Array>
}

export type StorageDownloads = ReturnType<typeof createStorageDownloads>

const VALID_MS = 60_000
const SEALED_AS = 'files_download'

const ticketSchema = z.object({ accountId: z.uuid(), until: z.number(), files: archiveFilesSchema })

/**
 * Many files as one that a browser fetches: tRPC gives a ticket that is good for a minute, which says in sealed form who asked for what, and
 * a form posts it: a selection can be longer than an address. Nothing is kept meanwhile.
 */
export function createStorageDownloads({ platform, box, storage, open, publicUrl }: StorageDownloadsDependencies) {
  return {
    create(actor: Actor, ref: string, files: ArchiveFiles): { url: string; ticket: string } {
      const sealed = box.seal(ref, SEALED_AS, JSON.stringify({ accountId: actor.accountId, until: Date.now() + VALID_MS, files }))
      return { url: `${publicUrl}/downloads/files/${ref}`, ticket: sealed.toString('base64url') }
    },

    /** Throws `request.not_found` for a ticket that is not ours, is too old, or was given to somebody who may no longer read the files. */
    async open(ref: string, ticketText: string): Promise<FileDownload> {
      const project = projectRefSchema.safeParse(ref).data
      const ticket = project && openTicket(box, project, ticketText)
      if (!ticket || ticket.until < Date.now()) throw new ServiceError('request.not_found')
      const membership = await selectProjectMembership(platform, project, ticket.accountId)
      if (!membership || !mayDo(membership.role, 'storage.read')) throw new ServiceError('request.not_found')
      const scope = await open(project)
      const { bucket, names, fromFolder } = ticket.files
      const selected = await storage.findSelected(scope, bucket, names)
      const fileName = `${(fromFolder.split('/').at(-2) || bucket).replaceAll(/[^\w.-]+/g, '-')}.zip`
      return { fileName, pieces: storage.archiveFiles(scope, { bucket, names: selected, fromFolder }) }
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
