import type { StorageAdapter } from '@polder/adapters/storage'
import type { Observe } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import type { FastifyInstance } from 'fastify'
import { bucketRoutes } from './bucket-routes.ts'
import { linkRoutes } from './link-routes.ts'
import { listRoutes } from './list-routes.ts'
import { readRoutes } from './read-routes.ts'
import { renderRoutes } from './render-routes.ts'
import { tusRoutes } from './tus-routes.ts'
import { s3Routes } from './s3/routes.ts'
import { toKnownError, toWireError } from './wire.ts'
import { writeRoutes } from './write-routes.ts'

export interface StorageRoutesOptions {
  storage: StorageAdapter
  version: string
  observe?: Observe
}

/** A project's storage service as Supabase's answers it, under `/projects/:ref/storage/v1`. Needs `request.project`. */
export async function storageRoutes(app: FastifyInstance, options: StorageRoutesOptions): Promise<void> {
  const { storage, version, observe } = options
  app.removeAllContentTypeParsers()
  // Bodies are streams: each route reads its own, or hands it on.
  app.addContentTypeParser('*', (_request, body, done) => done(null, body))
  app.addHook('onRoute', (route) => {
    route.config = { ...route.config, isUpload: true }
  })
  app.setErrorHandler((error, request, reply) => {
    const known = toKnownError(error)
    const ref = (request.project as ProjectScope | null)?.ref
    if (known.kind === 'internal')
      observe?.({ kind: 'error', requestId: request.id, code: known.code, cause: known.cause ?? known, ...(ref && { ref }) })
    if (reply.raw.headersSent) return void reply.raw.destroy()
    const { status, body } = toWireError(known, request.headers['x-client-info'] !== undefined)
    // What was not read of a refused upload is not worth reading.
    if (!request.raw.complete) void reply.header('connection', 'close')
    if (status === 503 || status === 429) void reply.header('retry-after', '1')
    return reply
      .code(status)
      .type('application/json; charset=utf-8')
      .send(request.method === 'HEAD' ? '' : body)
  })

  app.get('/status', { config: { isOpen: true } }, () => ({ status: 'ok' }))
  app.get('/version', { config: { isOpen: true } }, (_request, reply) => reply.type('text/plain').send(version))
  bucketRoutes(app, storage)
  readRoutes(app, storage)
  linkRoutes(app, storage)
  listRoutes(app, storage)
  writeRoutes(app, storage)
  renderRoutes(app, storage)
  tusRoutes(app, storage)
  await app.register(s3Routes, { prefix: '/s3', storage, ...(observe && { observe }) })
}
