import type { FastifyReply, FastifyRequest } from 'fastify'
import { ERRORS_BY_NAME_VERSION, knowsErrorsByName, toErrorBody, type WireError } from './wire.ts'

/** Sends a refusal in the format of the client's API version. */
export function sendError(request: FastifyRequest, reply: FastifyReply, error: WireError): FastifyReply {
  const isByName = knowsErrorsByName(request.headers['x-supabase-api-version'])
  if (isByName) reply.header('x-supabase-api-version', ERRORS_BY_NAME_VERSION)
  if (error.retryAfterSeconds !== undefined) reply.header('retry-after', String(error.retryAfterSeconds))
  return reply.header('x-sb-error-code', error.code).code(error.status).send(toErrorBody(error, isByName))
}
