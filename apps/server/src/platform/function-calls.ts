import { randomUUID } from 'node:crypto'
import { request, type IncomingHttpHeaders } from 'node:http'
import { isServiceError, ServiceError, type TestAnswer, type TestFunction } from '@polder/core'
import type { ProjectScope } from '@polder/db'

/** A call of a function by the platform itself, by the same door as an app's. */
export interface OwnFunctionCall {
  ref: string
  name: string
  method: string
  path: string
  headers: Record<string, string>
  body: string | null
  timeoutMs: number
}

export interface OwnFunctionAnswer {
  status: number
  headers: IncomingHttpHeaders
  /** The beginning of it. */
  body: Buffer
  isTruncated: boolean
  durationMs: number
  requestId: string
}

export type FunctionCalls = ReturnType<typeof createFunctionCalls>

const MAX_BODY_BYTES = 256 * 1024
const FORBIDDEN_HEADERS =
  /^(?:host|content-length|transfer-encoding|connection|keep-alive|upgrade|te|trailer|expect|proxy-.*|x-forwarded-.*|x-project-.*)$/i
const TOKEN_SECONDS = 600
const TEST_TIMEOUT_MS = 60_000

/** Calls functions as apps do: through the server's own port, so that limits, logs and refusals are the same. */
export function createFunctionCalls(ownAddress: () => { host: string; port: number }) {
  function call({ ref, name, method, path, headers, body, timeoutMs }: OwnFunctionCall): Promise<OwnFunctionAnswer> {
    return new Promise((resolve, reject) => {
      const started = performance.now()
      const length = body === null ? {} : { 'content-length': Buffer.byteLength(body) }
      const sent = request(
        {
          ...ownAddress(),
          method,
          path: `/projects/${ref}/functions/v1/${name}${path}`,
          headers: { ...headers, ...length },
          timeout: timeoutMs,
        },
        (answer) => {
          const chunks: Buffer[] = []
          let size = 0
          answer.on('data', (chunk: Buffer) => {
            if (size < MAX_BODY_BYTES) chunks.push(chunk)
            size += chunk.length
          })
          answer.on('error', () => {})
          answer.on('close', () => {
            resolve({
              status: answer.statusCode ?? 0,
              headers: answer.headers,
              body: Buffer.concat(chunks).subarray(0, MAX_BODY_BYTES),
              isTruncated: size > MAX_BODY_BYTES || !answer.complete,
              durationMs: Math.round((performance.now() - started) * 10) / 10,
              requestId: String(answer.headers['x-request-id'] ?? ''),
            })
          })
        },
      )
      sent.on('timeout', () => sent.destroy(new ServiceError('functions.timed_out')))
      sent.on('error', (cause) => reject(isServiceError(cause) ? cause : new ServiceError('functions.unavailable', { cause })))
      sent.end(body ?? undefined)
    })
  }

  return {
    call,

    /** Tries a function as somebody. Throws `request.invalid` for a header that cannot be sent. */
    async test(project: ProjectScope, keys: { anonKey: string; serviceRoleKey: string }, input: TestFunction): Promise<TestAnswer> {
      const headers = checkHeaders(input.headers)
      const token = toToken(project, keys, input.as)
      const answer = await call({
        ref: project.ref,
        name: input.name,
        method: input.method,
        path: input.path,
        headers: { ...(token !== undefined && { authorization: `Bearer ${token}`, apikey: keys.anonKey }), ...headers },
        body: input.body ?? null,
        timeoutMs: TEST_TIMEOUT_MS,
      })
      const isText = isUtf8(answer.body, answer.isTruncated)
      return {
        status: answer.status,
        headers: Object.fromEntries(Object.entries(answer.headers).map(([name, value]) => [name, [value].flat().join(', ')])),
        body: isText ? answer.body.toString('utf8') : answer.body.toString('base64'),
        isTruncated: answer.isTruncated,
        isText,
        durationMs: answer.durationMs,
        requestId: answer.requestId,
      }
    },
  }
}

function toToken(project: ProjectScope, keys: { anonKey: string; serviceRoleKey: string }, as: TestFunction['as']): string | undefined {
  switch (as.role) {
    case 'none':
      return undefined
    case 'anon':
      return keys.anonKey
    case 'service_role':
      return keys.serviceRoleKey
    case 'authenticated': {
      const now = Math.floor(Date.now() / 1000)
      return project.tokens.sign({
        iss: project.tokens.issuer,
        aud: 'authenticated',
        role: 'authenticated',
        sub: as.userId,
        ...(as.email !== undefined && { email: as.email }),
        // No session of that user's: ending all of theirs does not end this one, time does.
        session_id: randomUUID(),
        iat: now,
        exp: now + TOKEN_SECONDS,
      })
    }
  }
}

function checkHeaders(headers: Record<string, string>): Record<string, string> {
  for (const [name, value] of Object.entries(headers)) {
    const isSendable = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) && !FORBIDDEN_HEADERS.test(name) && !/[^\t\x20-\x7e\x80-\xff]/.test(value)
    if (!isSendable) throw new ServiceError('request.invalid', { message: `The header ${JSON.stringify(name)} cannot be sent.` })
  }
  return headers
}

function isUtf8(bytes: Buffer, isCut: boolean): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: isCut })
    return !bytes.includes(0)
  } catch {
    return false
  }
}
