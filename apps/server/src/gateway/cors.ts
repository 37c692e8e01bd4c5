import type { ServerResponse } from 'node:http'

const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'

/** What supabase-js sends; preflights are answered with what they ask for. */
const USUAL_HEADERS = 'authorization, apikey, content-type, prefer, range, x-client-info, x-upsert, accept-profile, content-profile'

const EXPOSED = [
  'Content-Range',
  'Content-Location',
  'Content-Profile',
  'Location',
  'Link',
  'Preference-Applied',
  'Range-Unit',
  'X-Total-Count',
  'X-Request-Id',
  'sb-request-id',
  'X-Supabase-Api-Version',
  'Proxy-Status',
  'Retry-After',
  'ETag',
  'Content-Disposition',
  'X-Transformations',
  'Tus-Version',
  'Tus-Resumable',
  'Tus-Extension',
  'Tus-Max-Size',
  'Upload-Offset',
  'Upload-Length',
  'Upload-Expires',
  'Upload-Metadata',
].join(', ')

const HEADER_LIST = /^[A-Za-z0-9!#$%&'*+.^_`|~, -]{1,4096}$/

/**
 * Any page may call a project: who it is says the key and the token, never a cookie, so credentials are not allowed.
 * Set before anything can fail, because a refusal that the page cannot read is no use to it.
 */
export function setCorsHeaders(response: ServerResponse, requestId: string): void {
  response.setHeader('access-control-allow-origin', '*')
  response.setHeader('access-control-expose-headers', EXPOSED)
  response.setHeader('sb-request-id', requestId)
}

/** Allows what the preflight asks for, for a day. */
export function setPreflightHeaders(response: ServerResponse, requested: string | undefined): void {
  const isList = requested !== undefined && HEADER_LIST.test(requested)
  response.setHeader('access-control-allow-methods', METHODS)
  response.setHeader('access-control-allow-headers', isList ? requested : USUAL_HEADERS)
  response.setHeader('access-control-max-age', '86400')
  response.setHeader('vary', 'Access-Control-Request-Headers')
}
