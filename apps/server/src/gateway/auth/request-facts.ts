import { chooseRedirect, type ClientFacts } from '@polder/adapters/auth'
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

/**
 * Where the user is sent in the end: what the request names, or the page that it comes from, if the project allows it; otherwise the
 * project's site. `wanted` comes first.
 */
export function findRedirect(request: FastifyRequest, wanted?: string): string {
  const { redirect_to: header, referer } = request.headers
  const named = typeof header === 'string' ? header : getQueryText(request, 'redirect_to')
  return chooseRedirect(request.project.configuration.auth, [wanted, named, referer])
}

/** Whether a browser asks ahead of its user, by what it says of itself. */
export function isPrefetch({ headers }: FastifyRequest): boolean {
  const purposes = [headers.purpose, headers['sec-purpose'], headers['x-purpose'], headers['x-moz']]
  return purposes.some((purpose) => typeof purpose === 'string' && /prefetch|prerender|preview/i.test(purpose))
}
