import { ServiceError } from '@polder/core'
import type { AnyRouter } from '@trpc/server'
import { fastifyTRPCPlugin } from '@trpc/server/adapters/fastify'
import type { FastifyError, FastifyInstance } from 'fastify'
import type { Services } from '../services.ts'
import { createContext } from './context.ts'
import { createSameSiteRule, MAX_BATCH } from './csrf.ts'
import { toErrorShape, toKnownError, toRetryAfter } from './error-shape.ts'

export interface TrpcDoorOptions {
  services: Services
  router: AnyRouter
  /** Address under which browsers reach the server. */
  publicUrl: string
  /** Further origins whose pages are ours, such as a development server's. */
  furtherOrigins?: readonly string[]
}

/** Answers tRPC under the prefix that it is registered with, and refuses what other sites may have made a browser send. */
export async function trpcDoor(app: FastifyInstance, { services, router, publicUrl, furtherOrigins }: TrpcDoorOptions): Promise<void> {
  const requireSameSite = createSameSiteRule(publicUrl, furtherOrigins)

  // Before the body is read: what is refused here costs nothing.
  app.addHook('onRequest', async ({ method, headers, params }) => {
    requireSameSite({ method, headers, path: (params as { path?: string }).path ?? '' })
  })

  app.setErrorHandler((error: FastifyError, request, reply) => {
    const known = isTooLarge(error)
      ? new ServiceError('request.too_large')
      : isRefusal(error)
        ? new ServiceError('request.invalid')
        : toKnownError(error)
    if (known.kind === 'internal') services.observe({ kind: 'error', requestId: request.id, code: known.code, cause: error })
    const { path } = request.params as { path?: string }
    const answer = { error: toErrorShape(known, { path, requestId: request.id }) }
    // A batch is answered by a batch, each call by the refusal of all.
    const isBatch = (request.query as { batch?: string }).batch === '1'
    return reply.status(known.status).send(
      isBatch
        ? (path ?? '')
            .split(',')
            .slice(0, MAX_BATCH)
            .map(() => answer)
        : answer,
    )
  })

  await app.register(fastifyTRPCPlugin, {
    trpcOptions: {
      router,
      maxBatchSize: MAX_BATCH,
      responseMeta: ({ errors }: { errors: readonly unknown[] }) => ({ headers: toRetryAfter(errors) }),
      createContext: ({ req, res }: Pick<Parameters<typeof createContext>[0], 'req' | 'res'>) => createContext({ req, res, services }),
    },
  })
}

function isTooLarge(error: FastifyError): boolean {
  return error.statusCode === 413
}

/** Whether Fastify itself refused the request: its parsers and limits say so by a status. */
function isRefusal(error: FastifyError): boolean {
  return !(error instanceof ServiceError) && error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500
}
