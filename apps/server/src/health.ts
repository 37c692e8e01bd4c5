import { isReachable, toVersionWarning } from '@polder/db'
import type { FastifyInstance } from 'fastify'
import type { Services } from './services.ts'

const ANSWER_WITHIN_MS = 2000

/** Whether the server can work, for load balancers and people; anybody may ask, so it says nothing of what is kept. */
export function healthRoute(app: FastifyInstance, services: Pick<Services, 'platform' | 'version' | 'postgresVersion'>): void {
  const { platform, version, postgresVersion } = services
  const postgres = { version: postgresVersion, warning: toVersionWarning(postgresVersion) }
  app.get('/health', async (_request, reply) => {
    const isUp = await isReachable(platform, ANSWER_WITHIN_MS)
    return reply
      .status(isUp ? 200 : 503)
      .header('cache-control', 'no-store')
      .send({ status: isUp ? 'ok' : 'unavailable', version, postgres })
  })
}
