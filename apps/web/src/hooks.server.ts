import type { Handle } from '@sveltejs/kit/hooks'

const SESSION_COOKIE = /(?:^|;\s*)(?:__Host-)?polder_session=./

export const handle: Handle = async ({ event, resolve }) => {
  // Scripts cannot see the cookie. Told that there is one, the console is drawn at once; told that there is none, it asks nothing.
  const session = SESSION_COOKIE.test(event.request.headers.get('cookie') ?? '') ? 'yes' : 'no'
  const response = await resolve(event, { transformPageChunk: ({ html }) => html.replace('%polder.session%', session) })
  const headers = new Headers(response.headers)
  const policy = headers.get('content-security-policy')
  const nonce = policy?.match(/'nonce-[^']+'/)?.[0]
  // The SQL editor makes style elements of its own: they carry the page's nonce, so the policy names it for styles too.
  if (policy && nonce)
    headers.set('content-security-policy', policy.replace(/style-src 'self'(?: 'nonce-[^']+')?/, `style-src 'self' ${nonce}`))
  // The page differs by cookie, and its nonce is for one answer.
  headers.set('cache-control', 'no-store')
  return new Response(response.body, { status: event.route.id === '/[...path]' ? 404 : response.status, headers })
}
