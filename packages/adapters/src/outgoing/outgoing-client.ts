import { isServiceError, ServiceError } from '@polder/core'
import { errors, type Dispatcher } from 'undici'
import type { AddressGuard } from './address-guard.ts'
import { createOutgoingAgents } from './outgoing-agents.ts'

export interface OutgoingRequest {
  url: string
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Those that decide how the request travels (Host, Connection, Content-Length …) are ours and refused. */
  headers?: Record<string, string>
  body?: string | Uint8Array
  /** For the whole exchange; 10 s when absent. */
  timeoutMs?: number
  /** How much of the answer's body is read; 64 kB when absent. */
  maxBytes?: number
}

export interface OutgoingAnswer {
  status: number
  headers: Record<string, string>
  body: Buffer
  /** Whether the body was longer than what was read. */
  isTruncated: boolean
}

export interface OutgoingClientOptions {
  guard: AddressGuard
  /** Ports that may be asked. */
  ports?: readonly number[]
  /** Whether plain http is taken; a setting of the operator's. */
  isHttpAllowed?: boolean
}

/** The one client for requests that projects make the server send. */
export interface OutgoingClient extends AsyncDisposable {
  /**
   * Sends one request; a redirection is an answer like any other. Throws `outgoing.url_invalid`, `outgoing.address_blocked`,
   * `outgoing.unreachable` and `outgoing.timed_out`.
   */
  send(request: OutgoingRequest): Promise<OutgoingAnswer>
  /** Throws as `send` would for an address that it does not take, without asking it: for forms. */
  check(url: string): Promise<void>
}

const PORTS = [80, 443, 8080, 8443]
const TIMEOUT_MS = 10_000
const MAX_BYTES = 65_536
const FORBIDDEN_HEADERS = /^(?:host|content-length|transfer-encoding|connection|keep-alive|upgrade|te|trailer|expect|proxy-.*)$/i

/** Makes the client; connections are opened when they are needed and kept for a few seconds. */
export function createOutgoingClient({ guard, ports = PORTS, isHttpAllowed = true }: OutgoingClientOptions): OutgoingClient {
  const agents = createOutgoingAgents(guard)

  function parseUrl(text: string): { url: URL; port: number } {
    const url = URL.parse(text)
    if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) throw invalid('The address is not an http or https URL.')
    if (url.protocol === 'http:' && !isHttpAllowed) throw invalid('The address is not an https URL.')
    if (url.username !== '' || url.password !== '') throw invalid('The address has a name or a password in it.')
    const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80))
    if (!ports.includes(port)) throw invalid(`Requests may go to the ports ${ports.join(', ')} only.`)
    return { url, port }
  }

  return {
    async send(request) {
      const { url, port } = parseUrl(request.url)
      const headers = checkHeaders(request.headers ?? {})
      // A literal address is never looked up, so it is judged here; a name is judged again when it is connected to.
      await guard.resolve(url.hostname, port)
      try {
        const answer = await agents.for(port).request({
          origin: url.origin,
          path: url.pathname + url.search,
          method: request.method ?? 'GET',
          headers,
          body: request.body ?? null,
          signal: AbortSignal.timeout(request.timeoutMs ?? TIMEOUT_MS),
        })
        const { bytes, isTruncated } = await readBody(answer.body, request.maxBytes ?? MAX_BYTES)
        return { status: answer.statusCode, headers: flatten(answer.headers), body: bytes, isTruncated }
      } catch (error) {
        throw toOutgoingError(error)
      }
    },
    async check(text) {
      const { url, port } = parseUrl(text)
      await guard.resolve(url.hostname, port)
    },
    async [Symbol.asyncDispose]() {
      await agents.close()
    },
  }
}

function checkHeaders(headers: Record<string, string>): Record<string, string> {
  for (const [name, value] of Object.entries(headers)) {
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) || FORBIDDEN_HEADERS.test(name)) throw invalid(`The header ${name} cannot be sent.`)
    if (/[^\t\x20-\x7e\x80-\xff]/.test(value)) throw invalid(`The value of the header ${name} cannot be sent.`)
  }
  return headers
}

async function readBody(body: Dispatcher.ResponseData['body'], maxBytes: number): Promise<{ bytes: Buffer; isTruncated: boolean }> {
  // Destroyed before its end, the body emits an error that nobody else listens to.
  body.on('error', () => {})
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    length += chunk.length
    if (length > maxBytes) {
      body.destroy()
      break
    }
  }
  return { bytes: Buffer.concat(chunks).subarray(0, maxBytes), isTruncated: length > maxBytes }
}

function flatten(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const flat: Record<string, string> = Object.create(null)
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) flat[name] = Array.isArray(value) ? value.join(', ') : value
  return flat
}

function toOutgoingError(error: unknown): ServiceError {
  if (isServiceError(error)) return error
  const { cause, name } = error as Error
  if (isServiceError(cause)) return cause
  const isTimeout =
    name === 'TimeoutError' ||
    error instanceof errors.HeadersTimeoutError ||
    error instanceof errors.BodyTimeoutError ||
    error instanceof errors.ConnectTimeoutError
  return new ServiceError(isTimeout ? 'outgoing.timed_out' : 'outgoing.unreachable', { cause: error })
}

function invalid(message: string): ServiceError {
  return new ServiceError('outgoing.url_invalid', { message })
}
