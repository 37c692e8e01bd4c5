import { ServiceError } from '@polder/core'
import { isLoopbackHost } from '../access/session-cookie.ts'

/** The parts of a request to /trpc that show where it comes from and what it carries. */
export interface DoorRequest {
  method: string
  headers: Record<string, string | string[] | undefined>
  /** The procedures called, decoded: `account.signIn`, or several with commas between. */
  path: string
}

/** Throws for a request that another site may have made a browser send, or that batches what must not be batched. */
export type RequireSameSite = (request: DoorRequest) => void

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Calls that one request may carry. */
export const MAX_BATCH = 10

// Guessing must cost a request each; and where a session changes hands, the answer must be one that can carry a cookie.
const SINGLE_CALLS = new Set([
  'account.signUp',
  'account.signIn',
  'account.signOut',
  'account.changePassword',
  'organizations.findInvitation',
  'organizations.acceptInvitation',
])

/** The rules of the tRPC door, for the address under which browsers reach the server and further origins that are ours. */
export function createSameSiteRule(publicUrl: string, furtherOrigins: readonly string[] = []): RequireSameSite {
  const origins = new Set([...allowedOrigins(publicUrl), ...furtherOrigins.flatMap(allowedOrigins)])
  return ({ method, headers, path }) => {
    requireSmallBatch(path, headers)
    if (SAFE_METHODS.has(method)) return
    if (headers['content-type'] !== 'application/json') {
      throw new ServiceError('request.invalid', { message: 'The content type must be application/json.' })
    }
    const site = headers['sec-fetch-site']
    if (site !== undefined && site !== 'same-origin' && site !== 'none') throw new ServiceError('request.cross_site')
    const origin = headers.origin
    if (origin === undefined) {
      // Browsers name the origin of every unsafe request: a cookie without one was sent by something that pretends.
      if (headers.cookie !== undefined)
        throw new ServiceError('request.cross_site', { hint: 'Send the Origin header, or an access token.' })
      return
    }
    if (typeof origin !== 'string' || !origins.has(origin)) throw new ServiceError('request.cross_site')
  }
}

function requireSmallBatch(path: string, headers: DoorRequest['headers']): void {
  const calls = path.split(',')
  if (calls.length > MAX_BATCH) throw new ServiceError('request.invalid', { message: `At most ${MAX_BATCH} calls go into one request.` })
  const isStreamed = headers['trpc-accept'] === 'application/jsonl'
  const single = calls.find((call) => SINGLE_CALLS.has(call))
  if (single && (calls.length > 1 || isStreamed)) {
    throw new ServiceError('request.invalid', { message: `${single} must be called by itself and not streamed.` })
  }
}

/** The origin of a URL, and if that is this machine, the same port by every loopback name. */
function allowedOrigins(url: string): string[] {
  const { protocol, hostname, port, origin } = new URL(url)
  if (!isLoopbackHost(hostname)) return [origin]
  const suffix = port === '' ? '' : `:${port}`
  return [origin, ...['localhost', '127.0.0.1', '[::1]'].map((host) => `${protocol}//${host}${suffix}`)]
}
