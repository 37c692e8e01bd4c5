import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AnswerSink, FunctionsAdapter } from '@polder/adapters/functions'
import { ServiceError, type Observe } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { toRelayError } from './wire.ts'

export interface FunctionRoutesOptions {
  functions: Pick<FunctionsAdapter, 'getServing' | 'invokeFunction'>
  observe?: Observe
}

interface WithProject {
  /** Null while the gateway has not opened it, or could not. */
  project: ProjectScope | null
}

const METHODS = ['GET', 'HEAD', 'POST', 'PATCH', 'PUT', 'DELETE', 'OPTIONS']
const PREFIX = '/functions/v1/'

/** Headers that belong to one connection, and those of the answer that the gateway decides on. */
const NOT_FORWARDED = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'te',
  'trailer',
  'upgrade',
  'expect',
  'x-relay-error',
  'x-relay-missing',
])

/** `/functions/v1/<name>` of a project: whatever comes goes to the function, and its answer back, both as they come. */
export async function functionRoutes(app: FastifyInstance, { functions, observe }: FunctionRoutesOptions): Promise<void> {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
  app.setErrorHandler((error, request, reply) => {
    const answer = toRelayError(error)
    if (answer.status === 500 && !(error instanceof ServiceError && error.code === 'functions.crashed')) {
      observe?.({ kind: 'error', requestId: request.id, ref: (request as WithProject).project?.ref, code: 'functions', cause: error })
    }
    return reply
      .code(answer.status)
      .headers(answer.headers)
      .send(request.method === 'HEAD' ? '' : answer.body)
  })
  for (const url of ['/:name', '/:name/*']) {
    app.route({
      method: METHODS,
      url,
      exposeHeadRoute: false,
      config: { isUnchecked: true },
      handler: (request, reply) => handle(functions, request, reply),
    })
  }
}

async function handle(functions: FunctionRoutesOptions['functions'], request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const { project } = request as WithProject
  if (project === null) throw new TypeError('the gateway opened no project')
  const { name } = request.params as { name: string }
  const serving = await functions.getServing(project, name).catch((error: unknown) => {
    // Which functions there are is for whoever has a token of the project.
    requireToken(project, request)
    throw error
  })
  // As a browser asks what it may send before it has a token to send.
  if (serving.verifyJwt && request.method !== 'OPTIONS') requireToken(project, request)
  const gone = new AbortController()
  reply.raw.once('close', () => reply.raw.writableFinished || gone.abort())
  const sink = toSink(reply)
  await functions.invokeFunction(project, name, {
    method: request.method,
    path: toPath(request.raw.url ?? '/'),
    headers: toForwarded(request),
    body: hasBody(request.raw) ? request.raw : null,
    requestId: request.id,
    signal: gone.signal,
    sink,
  })
}

/** Claims without an end are those of nobody: neither the token nor the key was the project's. */
function requireToken({ caller }: ProjectScope, { headers }: FastifyRequest): void {
  if (caller.kind === 'app' && caller.claims.exp !== undefined) return
  const hasCredentials = headers.authorization !== undefined || headers.apikey !== undefined
  throw new ServiceError(hasCredentials ? 'access.jwt_invalid' : 'access.key_missing')
}

/** What follows the function's name in the address, encoded as it was sent. */
function toPath(url: string): string {
  const rest = url.slice(url.indexOf(PREFIX) + PREFIX.length)
  const end = rest.search(/[/?]/)
  return end < 0 ? '' : rest.slice(end)
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

function toForwarded(request: FastifyRequest): Record<string, string | string[]> {
  const { headers } = request.raw
  const named = headers.connection?.toLowerCase() ?? ''
  const forwarded: Record<string, string | string[]> = {}
  for (const name in headers) {
    const value = headers[name]
    if (value === undefined || NOT_FORWARDED.has(name)) continue
    // A client may name headers that are for the connection alone, but not those that say who it is.
    if (named.includes(name) && name !== 'authorization' && name !== 'apikey') continue
    forwarded[name] = value
  }
  forwarded['x-forwarded-for'] = request.ip
  forwarded['x-forwarded-proto'] = request.protocol
  forwarded['sb-request-id'] = request.id
  return forwarded
}

function toSink(reply: FastifyReply): AnswerSink {
  const response: ServerResponse = reply.raw
  return {
    begin(status, headers, statusText) {
      void reply.hijack()
      // Whether a page may read a function's answer is the function's to say.
      response.removeHeader('access-control-allow-origin')
      response.removeHeader('access-control-expose-headers')
      for (const name in headers) {
        const value = headers[name]
        if (value !== undefined && !NOT_FORWARDED.has(name)) response.setHeader(name, value)
      }
      if (statusText !== '') response.statusMessage = statusText
      response.statusCode = status
      // With the first bytes if they come at once; a stream's head must not wait for them.
      setImmediate(() => response.headersSent || response.destroyed || response.flushHeaders())
    },
    write: (chunk) => response.write(chunk),
    onDrain: (resume) => void once(response, 'drain').then(resume, () => {}),
    end: () => void response.end(),
    abort: () => void response.destroy(),
  }
}
