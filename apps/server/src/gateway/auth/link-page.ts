import type { FastifyReply, FastifyRequest } from 'fastify'
import { getQueryText } from './request-facts.ts'

const TITLES: Record<string, string> = {
  signup: 'Confirm your address',
  invite: 'Accept the invitation',
  magiclink: 'Sign in',
  recovery: 'Choose a new password',
  email_change: 'Confirm your new address',
}

/** Styles alone: nothing is loaded, and nothing runs. The form may lead anywhere, since the project's sites stand elsewhere. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"

/**
 * Shows what a link is for, with a button that follows it. Mail scanners and previews open links before their reader does; what they
 * see is this page, and the link is as good as before.
 */
export function sendLinkPage(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const type = getQueryText(request, 'type')
  const title = (Object.hasOwn(TITLES, type) && TITLES[type]) || 'Continue'
  return reply
    .header('content-type', 'text/html; charset=utf-8')
    .header('content-security-policy', POLICY)
    .header('cache-control', 'no-store')
    .header('referrer-policy', 'no-referrer')
    .header('x-content-type-options', 'nosniff')
    .header('x-frame-options', 'DENY')
    .header('x-robots-tag', 'noindex, nofollow')
    .send(toPage(title))
}

// The form has no action: it posts to the address that it stands at, token and all, and nothing of that is written into the page.
function toPage(title: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>
:root { color-scheme: light dark }
body { font: 1rem/1.5 system-ui, sans-serif; display: grid; place-items: center; min-height: 90vh; margin: 1rem }
main { text-align: center; max-width: 24rem }
button { font: inherit; padding: .6rem 1.6rem; border: 0; border-radius: .5rem; background: #1d4ed8; color: #fff; cursor: pointer }
button:focus-visible { outline: 3px solid #93c5fd; outline-offset: 2px }
</style>
</head>
<body>
<main>
<h1>${title}</h1>
<form method="post"><button type="submit">Continue</button></form>
</main>
</body>
</html>
`
}
