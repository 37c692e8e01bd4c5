import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import type { Services } from './services.ts'

/** Files that members fetch with a browser, at addresses that tRPC gave them. */
export async function downloads(
  app: FastifyInstance,
  { logExports, storageDownloads }: Pick<Services, 'logExports' | 'storageDownloads'>,
): Promise<void> {
  app.get<{ Params: { ref: string; ticket: string } }>('/downloads/logs/:ref/:ticket', async (request, reply) => {
    const { fileName, type, pieces } = await logExports.open(request.params.ref, request.params.ticket)
    return reply
      .header('content-type', type)
      .header('content-disposition', `attachment; filename="${fileName}"`)
      .header('cache-control', 'no-store')
      .header('x-content-type-options', 'nosniff')
      .header('content-security-policy', "default-src 'none'; sandbox")
      .send(Readable.from(pieces, { objectMode: false }))
  })

  await app.register((scope) => {
    scope.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string', bodyLimit: 2 << 20 }, (_request, body, done) =>
      done(null, new URLSearchParams(body.toString())),
    )
    scope.post<{ Params: { ref: string }; Body: URLSearchParams | undefined }>('/downloads/files/:ref', async (request, reply) => {
      const { fileName, pieces } = await storageDownloads.open(request.params.ref, request.body?.get('ticket') ?? '')
      return reply
        .header('content-type', 'application/zip')
        .header('content-disposition', `attachment; filename="${fileName}"`)
        .header('cache-control', 'no-store')
        .header('x-content-type-options', 'nosniff')
        .send(Readable.from(pieces, { objectMode: false }))
    })
    return Promise.resolve()
  })
}
