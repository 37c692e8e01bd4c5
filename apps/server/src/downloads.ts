import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import type { Services } from './services.ts'

/** Files that members fetch with a browser, at addresses that tRPC gave them. */
export async function downloads(app: FastifyInstance, { logExports }: Pick<Services, 'logExports'>): Promise<void> {
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
}
