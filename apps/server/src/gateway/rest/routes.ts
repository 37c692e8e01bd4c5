import type { ServerResponse } from 'node:http'
import type { RestAdapter, RestReply, RestRequest } from '@polder/adapters/rest'
import type { Observe } from '@polder/core'
import { Cancellation, type ProjectScope } from '@polder/db'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { toErrorReply } from './wire.ts'

export interface RestRoutesOptions {
  rest: Pick<RestAdapter, 'answer'>
  observe?: Observe
  /** The gateway hands it to every service; this one has no use for it. */
  router?: unknown
}

interface WithProject {
  /** Null while the gateway has not opened it, or could not. */
  project: ProjectScope | null
}

const METHODS = ['GET', 'HEAD', 'POST', 'PATCH', 'PUT', 'DELETE', 'OPTIONS']

/** `/rest/v1/*` of a project, as PostgREST answers it. The gateway's hook has put the open project at `request.project`. */
export async function restRoutes(app: FastifyInstance, { rest, observe }: RestRoutesOptions): Promise<void> {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  app.setErrorHandler((error, request, reply) => {
    const { project } = request as WithProject
    const isAnonymous = project === null || (project.caller.kind === 'app' && project.caller.role === 'anon')
    const answer = toErrorReply(error, isAnonymous)
    if (answer.status >= 500) observe?.({ kind: 'error', requestId: request.id, ref: project?.ref, code: 'rest', cause: error })
    if (answer.statusText !== undefined) reply.raw.statusMessage = answer.statusText
    for (const [name, value] of answer.headers) void reply.header(name, value)
    return reply
      .code(answer.status)
      .type('application/json; charset=utf-8')
      .send(request.method === 'HEAD' ? '' : answer.body)
  })
  for (const url of ['/', '/*']) {
    app.route({ method: METHODS, url, exposeHeadRoute: false, handler: (request, reply) => handle(rest, request, reply) })
  }
}

async function handle(rest: RestRoutesOptions['rest'], request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const { project } = request as WithProject
  if (project === null) throw new TypeError('the gateway opened no project')
  const cancellation = new Cancellation()
  reply.raw.once('close', () => cancellation.cancel())
  const answer = await rest.answer(project, toRestRequest(request), { isStreamed: true, cancellation })
  // Past the framework, straight to the socket: there is nothing left to serialize, and these are the bytes of most answers.
  void reply.hijack()
  sendAnswer(reply.raw, answer)
}

/** Below this size an answer's head and body are written at once, as one text. */
const ONE_WRITE_BYTES = 65_536

function sendAnswer(response: ServerResponse, { status, headers, body }: RestReply): void {
  response.statusCode = status
  for (const [name, value] of headers) appendHeader(response, name, value)
  const isBodyless = status === 204 || status === 304
  if (body === null) {
    // An answer to HEAD has a body that is not sent, of a length that nobody has counted.
    if (!isBodyless && response.req.method !== 'HEAD') response.setHeader('Content-Length', 0)
    response.end()
    return
  }
  response.setHeader('Content-Length', body.length)
  // Where one of the two ends too early, so does the other: a client must not take half an answer for a whole one.
  if (!Buffer.isBuffer(body)) void body.pipeTo(response).catch(() => {})
  else if (body.length > ONE_WRITE_BYTES) response.end(body)
  else response.end(body.toString('latin1'), 'latin1')
}

/** Functions may set several cookies. */
function appendHeader(response: ServerResponse, name: string, value: string): void {
  if (name.toLowerCase() === 'set-cookie') response.appendHeader(name, value)
  else response.setHeader(name, value)
}

function toRestRequest(request: FastifyRequest): RestRequest {
  const { url = '/' } = request.raw
  const question = url.indexOf('?')
  const path = question === -1 ? url : url.slice(0, question)
  const prefix = '/rest/v1'
  const start = path.indexOf(prefix)
  const rest = start === -1 ? path : path.slice(start + prefix.length)
  return {
    method: request.method,
    path: rest === '' ? '/' : rest,
    query: question === -1 ? '' : url.slice(question + 1),
    headers: request.headers as RestRequest['headers'],
    body: Buffer.isBuffer(request.body) ? request.body : null,
  }
}
