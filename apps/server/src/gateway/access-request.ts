import type { AccessRequest } from '@polder/core'
import type { FastifyRequest } from 'fastify'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** For a route that is opened by its address, as links are: without an API key one is `anon`. */
    isOpen?: boolean
    /** For a service that judges credentials itself: those that are not the project's are no reason to refuse. */
    isUnchecked?: boolean
    /** For a route whose requests say in their own way who they are from. */
    readAccess?(request: FastifyRequest): AccessRequest
  }
}

/** What an app's request says of who it is; nothing of it is proven yet. */
export function toAccessRequest(request: FastifyRequest): AccessRequest {
  const { readAccess } = request.routeOptions.config
  if (readAccess !== undefined) return readAccess(request)
  const { apikey, authorization } = request.headers
  const apiKey = typeof apikey === 'string' ? apikey : findQueryKey(request.query)
  return { kind: 'app', apiKey, authorization, ...toDoor(request) }
}

// By the route and not by the address, which has many spellings.
function toDoor({ routeOptions }: FastifyRequest): { door?: 'open' | 'auth' | 'rest' | 'unchecked' } {
  const { url, config } = routeOptions
  if (config.isUnchecked) return { door: 'unchecked' }
  if (config.isOpen) return { door: 'open' }
  if (url?.startsWith('/projects/:ref/rest/')) return { door: 'rest' }
  return url?.startsWith('/projects/:ref/auth/') ? { door: 'auth' } : {}
}

/** WebSockets and links cannot set headers. A parameter given twice is none: two readers could take two keys. */
function findQueryKey(query: unknown): string | undefined {
  const { apikey } = query as { apikey?: unknown }
  return typeof apikey === 'string' ? apikey : undefined
}
