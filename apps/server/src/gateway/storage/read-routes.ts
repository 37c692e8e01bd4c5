import type { ReadDoor, StorageAdapter, StoredFile } from '@polder/adapters/storage'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { requireName } from './object-name.ts'
import { sendFile, toDisposition, toHeaderText } from './send-file.ts'

/** Reading objects and what is known of them: by RLS, by the bucket's being public, by a signed link. */
export function readRoutes(app: FastifyInstance, storage: StorageAdapter): void {
  const method = ['GET', 'HEAD']

  const serve = (door: ReadDoor) => async (request: FastifyRequest, reply: FastifyReply) => {
    const object = requireName(request)
    const headers = toDisposition((request.query as { download?: unknown }).download)
    await sendFile(request.project, request, reply, { storage, headers, find: () => storage.getFile(request.project, door, object) })
    return reply
  }

  const tell = (door: ReadDoor) => async (request: FastifyRequest, reply: FastifyReply) => {
    const file = await storage.getFile(request.project, door, requireName(request))
    return reply
      .headers({
        etag: toHeaderText(file.etag),
        'last-modified': file.lastModified.toUTCString(),
        'cache-control': toHeaderText(file.cacheControl),
      })
      .send(toInfoJson(file))
  }

  const route = (url: string, handler: ReturnType<typeof serve>, isOpen = false) =>
    app.route({ method, url, exposeHeadRoute: false, config: { isOpen }, handler })

  route('/object/info/public/:bucket/*', tell('public'), true)
  route('/object/info/authenticated/:bucket/*', tell('caller_or_public'))
  route('/object/info/:bucket/*', tell('caller_or_public'))
  route('/object/public/:bucket/*', serve('public'), true)
  route('/object/authenticated/:bucket/*', serve('caller_or_public'))
  route('/object/:bucket/*', serve('caller_or_public'))

  route(
    '/object/sign/:bucket/*',
    async (request, reply) => {
      const object = requireName(request)
      const { token, download } = request.query as { token?: unknown; download?: unknown }
      storage.readLink(request.project, typeof token === 'string' ? token : '', 'download', object)
      const headers = toDisposition(download)
      await sendFile(request.project, request, reply, { storage, headers, find: () => storage.getFile(request.project, 'link', object) })
      return reply
    },
    true,
  )
}

// Without `updated_at`: storage-js checks that it is not there.
function toInfoJson(file: StoredFile) {
  return {
    id: file.id,
    name: file.name,
    version: file.version ?? '',
    bucket_id: file.bucket,
    size: file.bytes,
    content_type: file.type,
    cache_control: file.cacheControl,
    etag: file.etag,
    metadata: file.userMetadata ?? {},
    last_modified: file.updatedAt.toISOString(),
    created_at: file.createdAt.toISOString(),
  }
}
