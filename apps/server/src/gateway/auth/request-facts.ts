import type { ClientFacts } from '@polder/adapters/auth'
import type { FastifyRequest } from 'fastify'
import { isIP } from 'node:net'

/** What a session remembers of its client. */
export function toClientFacts(request: FastifyRequest): ClientFacts {
  const userAgent = request.headers['user-agent']?.slice(0, 500)
  return { ip: isIP(request.ip) ? request.ip : null, userAgent: userAgent || null }
}

/** A query parameter; the first one where it is there more than once, empty where it is not. */
export function getQueryText(request: FastifyRequest, name: string): string {
  const query = request.query as Record<string, string | string[] | undefined>
  const value = Object.hasOwn(query, name) ? query[name] : undefined
  return (Array.isArray(value) ? value[0] : value) ?? ''
}
