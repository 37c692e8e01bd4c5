import type { ServerResponse } from 'node:http'
import { ServiceError, type Observe } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import type { FastifyRequest } from 'fastify'

/** Counts a request in, and out when its answer is done or its client gone; a refusal when there are too many at a time. */
export type EnterRequest = (ref: string, request: FastifyRequest, response: ServerResponse) => ServiceError | undefined

/** One project that is asked too much must not take the places of the others. */
export function createRequestGuard(limits: { requestsPerProject: number; requestsTotal: number }, observe: Observe): EnterRequest {
  const running = new Map<string, number>()
  let total = 0
  return (ref, request, response) => {
    if (total >= limits.requestsTotal) return new ServiceError('system.busy')
    const count = running.get(ref) ?? 0
    if (count >= limits.requestsPerProject) return new ServiceError('request.rate_limited')
    total += 1
    running.set(ref, count + 1)
    const start = performance.now()
    const { socket } = request.raw
    const writtenBefore = socket.bytesWritten
    // `close` comes exactly once, also for a client that went away in the middle.
    response.once('close', () => {
      total -= 1
      const left = (running.get(ref) ?? 1) - 1
      if (left === 0) running.delete(ref)
      else running.set(ref, left)
      observe({
        kind: 'request',
        requestId: request.id,
        method: request.method,
        path: request.url,
        status: response.statusCode,
        durationMs: performance.now() - start,
        ref,
        userId: findUserId(request),
        ip: request.ip,
        bytesOut: socket.bytesWritten - writtenBefore,
      })
    })
    return undefined
  }
}

/** The project's user who asked; nobody with a key alone, or where the project was not opened. */
function findUserId({ project }: FastifyRequest): string | undefined {
  const caller = (project as ProjectScope | null)?.caller
  return caller?.kind === 'app' ? caller.claims.sub : undefined
}
