import type { ReadDoor, StorageAdapter } from '@polder/adapters/storage'
import { ServiceError } from '@polder/core'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { parseWith } from './json-body.ts'
import { requireName } from './object-name.ts'
import { hasTag, sendBytes, toDisposition, toHeaderText, toSafeHeaders } from './send-file.ts'
import { toTransformations, transformSchema, type Transform } from './transform.ts'

/** Images, scaled as the address or its signature says. */
export function renderRoutes(app: FastifyInstance, storage: StorageAdapter): void {
  const method = ['GET', 'HEAD']

  const render = async (request: FastifyRequest, reply: FastifyReply, door: ReadDoor, transform: Transform) => {
    const { project } = request
    if (!project.configuration.storage.areImagesTransformed) throw new ServiceError('storage.images_disabled')
    const file = await storage.getFile(project, door, requireName(request))
    const wanted = transform.format === undefined && acceptsWebp(request) ? { ...transform, format: 'webp' as const } : transform
    const { x_offset: xOffset, y_offset: yOffset, ...rest } = wanted
    const etag = toHeaderText(file.etag)
    const headers: Record<string, string> = {
      etag,
      'last-modified': file.lastModified.toUTCString(),
      'cache-control': toHeaderText(file.cacheControl),
      'x-robots-tag': 'none',
      vary: 'Accept',
      'x-transformations': toTransformations(transform),
      ...toDisposition((request.query as { download?: unknown }).download),
    }
    const known = request.headers['if-none-match']
    if (known !== undefined && hasTag(known, file.etag)) {
      void reply.hijack()
      return void reply.raw.writeHead(304, headers).end()
    }
    const image = await storage.renderImage(project, file, { ...rest, xOffset, yOffset })
    const type = { 'content-type': image.type, 'content-length': String(image.bytes), ...toSafeHeaders(image.type) }
    if (request.method !== 'HEAD') return await sendBytes(reply, 200, { ...headers, ...type }, image.body)
    if (!Buffer.isBuffer(image.body)) image.body.destroy()
    void reply.hijack()
    reply.raw.writeHead(200, { ...headers, ...type }).end()
  }

  const byQuery = (door: ReadDoor) => async (request: FastifyRequest, reply: FastifyReply) => {
    await render(request, reply, door, parseWith(transformSchema, request.query, 'querystring'))
    return reply
  }

  app.route({ method, url: '/render/image/public/:bucket/*', exposeHeadRoute: false, config: { isOpen: true }, handler: byQuery('public') })
  app.route({ method, url: '/render/image/authenticated/:bucket/*', exposeHeadRoute: false, handler: byQuery('caller_or_public') })
  app.route({
    method,
    url: '/render/image/sign/:bucket/*',
    exposeHeadRoute: false,
    config: { isOpen: true },
    async handler(request, reply) {
      const { token } = request.query as { token?: unknown }
      const link = storage.readLink(request.project, typeof token === 'string' ? token : '', 'download', requireName(request))
      await render(request, reply, 'link', transformSchema.parse(link.transform ?? {}))
      return reply
    },
  })
}

/** Only where it is named: `*` is also said by what cannot show it. */
function acceptsWebp(request: FastifyRequest): boolean {
  return /\bimage\/webp\b/.test(request.headers.accept ?? '')
}
