import type { Handle } from '@sveltejs/kit/hooks'

/** The SQL editor makes style elements of its own: they carry the page's nonce, so the policy names it for styles too. */
export const handle: Handle = async ({ event, resolve }) => {
  const response = await resolve(event)
  const policy = response.headers.get('content-security-policy')
  const nonce = policy?.match(/'nonce-[^']+'/)?.[0]
  if (policy && nonce)
    response.headers.set('content-security-policy', policy.replace(/style-src 'self'(?: 'nonce-[^']+')?/, `style-src 'self' ${nonce}`))
  return response
}
