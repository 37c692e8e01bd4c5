import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { isIP, type BlockList } from 'node:net'

const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/

/** Whether the connection comes from one of the proxies that the configuration names. */
export function isTrusted(proxies: BlockList | null, address: string | undefined): boolean {
  if (proxies === null || address === undefined) return false
  // Loopback of IPv4 on a socket of IPv6.
  const plain = address.startsWith('::ffff:') ? address.slice(7) : address
  const family = isIP(plain)
  return family !== 0 && proxies.check(plain, family === 6 ? 'ipv6' : 'ipv4')
}

/** Our own id for the request, or the one that a trusted proxy gave it. */
export function toRequestId(request: IncomingMessage, proxies: BlockList | null): string {
  const given = request.headers['x-request-id']
  return typeof given === 'string' && REQUEST_ID.test(given) && isTrusted(proxies, request.socket.remoteAddress) ? given : randomUUID()
}

/** Takes away what only we or a trusted proxy may say about a request. */
export function stripHeaders(headers: IncomingHttpHeaders, isFromTrusted: boolean): void {
  for (const name in headers) {
    if (name.charCodeAt(0) !== 120 || name.charCodeAt(1) !== 45) continue
    if (name.startsWith('x-project-') || (!isFromTrusted && (name.startsWith('x-forwarded-') || name === 'x-real-ip'))) delete headers[name]
  }
}

/** Whether the request names its host more than once: two readers could then see two hosts. */
export function hasTwoHosts(rawHeaders: readonly string[]): boolean {
  let count = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    if (name.length === 4 && name.toLowerCase() === 'host' && ++count > 1) return true
  }
  return false
}

/** The path of a request to `<ref>.<base domain>` as if it had come to `/projects/<ref>`; any other path as it is. */
export function toProjectPath(url: string, host: string | undefined, baseDomain: string | undefined): string {
  if (baseDomain === undefined || host === undefined) return url
  const name = host.replace(/:\d+$/, '').toLowerCase()
  if (!name.endsWith(`.${baseDomain}`)) return url
  const ref = name.slice(0, -baseDomain.length - 1)
  // What is no ref goes the same way and is refused there: a sub-domain never shows the dashboard.
  return `/projects/${encodeURIComponent(ref)}${url.startsWith('/') ? url : `/${url}`}`
}
