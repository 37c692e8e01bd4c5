import { dev } from '$app/env'
import { promisify } from 'node:util'
import { brotliCompress, constants } from 'node:zlib'
import { runScriptsAfterPaint } from '#lib/drawing/scripts-after-paint.ts'
import type { Handle, HandleFetch } from '@sveltejs/kit/hooks'

const SESSION_COOKIE = /(?:^|;\s*)(?:__Host-)?polder_session=./

export const handle: Handle = async ({ event, resolve }) => {
  // Scripts cannot see the cookie. Told that there is one, the console is drawn at once; told that there is none, it asks nothing.
  const session = SESSION_COOKIE.test(event.request.headers.get('cookie') ?? '') ? 'yes' : 'no'
  const response = await resolve(event, {
    transformPageChunk: ({ html }) => runScriptsAfterPaint(html.replace('%polder.session%', session)),
    // The browser takes over what was read for the drawing, as the answers that they were.
    filterSerializedResponseHeaders: (name) => name === 'content-type',
  })
  const headers = new Headers(response.headers)
  const policy = headers.get('content-security-policy')
  const nonce = policy?.match(/'nonce-[^']+'/)?.[0]
  // The SQL editor makes style elements of its own: they carry the page's nonce, so the policy names it for styles too (Vite's carry none).
  if (policy && nonce && !dev)
    headers.set('content-security-policy', policy.replace(/style-src 'self'(?: 'nonce-[^']+')?/, `style-src 'self' ${nonce}`))
  // The page differs by cookie, and its nonce is for one answer.
  headers.set('cache-control', 'no-store')
  const status = event.route.id === '/[...path]' ? 404 : response.status
  if (!isPage(headers) || !/\bbr\b/.test(event.request.headers.get('accept-encoding') ?? ''))
    return new Response(response.body, { status, headers })
  headers.set('content-encoding', 'br')
  headers.append('vary', 'accept-encoding')
  headers.delete('content-length')
  return new Response(await compress(await response.arrayBuffer(), FAST), { status, headers })
}

const compress = promisify(brotliCompress)

/** Half the size of the best takes a twentieth of its time; a page is made once and sent once. */
const FAST = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }

const isPage = (headers: Headers) => headers.get('content-type')?.startsWith('text/html') === true

const ASK_API = Symbol.for('polder.askApi')

/** Pages that the server draws read through the server's own door, as the visitor, without a socket. */
export const handleFetch: HandleFetch = async ({ event, request, fetch }) => {
  const ask = event.platform?.req[ASK_API]
  const { pathname, search } = new URL(request.url)
  // `npm run dev`: the server is another process.
  if (dev) return fetch(new Request(import.meta.env.POLDER_DEV_SERVER + pathname + search, request))
  if (!ask || request.method !== 'GET' || !pathname.startsWith('/trpc/')) return fetch(request)
  const { status, body } = await ask(pathname + search)
  return new Response(body, { status, headers: { 'content-type': 'application/json' } })
}
