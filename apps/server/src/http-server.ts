import type { BlockList } from 'node:net'
import { ServiceError } from '@polder/core'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { limitBodies } from './body-deadline.ts'
import { limitConnections } from './connection-limits.ts'
import { ASK_API, type AskApi, type Dashboard } from './dashboard.ts'
import { downloads } from './downloads.ts'
import { gateway } from './gateway/gateway.ts'
import { healthRoute } from './health.ts'
import { isTooDeep } from './json-depth.ts'
import { hasTwoHosts, isTrusted, stripHeaders, toProjectPath, toRequestId } from './request-rules.ts'
import { managementDoor } from './management/management-door.ts'
import type { Services } from './services.ts'
import { trpcDoor } from './trpc/door.ts'
import { appRouter } from './trpc/root.ts'

export interface HttpServerOptions {
  services: Services
  dashboard?: Dashboard
  trustedProxies: BlockList | null
  /** Shorter ones for tests. */
  timeouts?: Partial<typeof TIMEOUTS>
  furtherOrigins?: readonly string[]
}

const TIMEOUTS = {
  /** For the whole request to arrive, or a part of an upload; answers may take longer. */
  requestTimeout: 30_000,
  headersTimeout: 10_000,
  keepAliveTimeout: 5_000,
  /** How often slow connections are looked for. */
  connectionsCheckingInterval: 2_000,
}

/** For all that people see in a browser; the dashboard sets its own content policy for scripts. */
const BROWSER_HEADERS = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'x-frame-options': 'DENY',
}

const API_POLICY = "default-src 'none'; frame-ancestors 'none'"

/** The one port: tRPC, the projects' own APIs, and the dashboard for everything else. */
export async function createHttpServer(options: HttpServerOptions): Promise<FastifyInstance> {
  const { services, dashboard, trustedProxies } = options
  const { http } = services.config
  const timeouts = { ...TIMEOUTS, ...options.timeouts }
  const browserHeaders = {
    ...BROWSER_HEADERS,
    ...(http.publicUrl.startsWith('https:') && { 'strict-transport-security': 'max-age=31536000' }),
  }

  const app = fastify({
    logger: false,
    requestTimeout: 0,
    keepAliveTimeout: timeouts.keepAliveTimeout,
    maxRequestsPerSocket: 10_000,
    http: { headersTimeout: timeouts.headersTimeout, connectionsCheckingInterval: timeouts.connectionsCheckingInterval },
    bodyLimit: 1 << 20,
    trustProxy: trustedProxies === null ? false : (address) => isTrusted(trustedProxies, address),
    genReqId: (request) => toRequestId(request, trustedProxies),
    rewriteUrl: (request) => toProjectPath(request.url ?? '/', request.headers.host, http.baseDomain),
    routerOptions: { maxParamLength: 4096 },
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    // Refusals of node's own parser answer as it would, with a code, and without words about us.
    clientErrorHandler(error, socket) {
      const isTimeout = error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      const status = isTimeout
        ? '408 Request Timeout'
        : error.code === 'HPE_HEADER_OVERFLOW'
          ? '431 Request Header Fields Too Large'
          : '400 Bad Request'
      if (socket.writable) socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`)
      else socket.destroy()
    },
    // Bad percent-encoding and the like, refused by the router before any hook.
    frameworkErrors: (_error, request, reply) =>
      void (reply as FastifyReply).status(400).send(toErrorBody(new ServiceError('request.invalid'), request.id)),
  })
  limitBodies(app, timeouts.requestTimeout)
  limitConnections(app.server, { isExempt: (address) => isTrusted(trustedProxies, address) })

  app.addHook('onRequest', (request, reply, done) => {
    const { raw } = request
    reply.raw.setHeader('x-request-id', request.id)
    if (hasTwoHosts(raw.rawHeaders)) return done(new ServiceError('request.invalid', { message: 'The request names two hosts.' }))
    stripHeaders(raw.headers, isTrusted(trustedProxies, raw.socket.remoteAddress))
    done()
  })

  app.setErrorHandler((error, request, reply) => {
    const known = toKnown(error)
    if (known.kind === 'internal') services.observe({ kind: 'error', requestId: request.id, code: known.code, cause: error })
    return reply.status(known.status).headers(browserHeaders).send(toErrorBody(known, request.id))
  })

  app.addHook('onListen', (done) => {
    services.listensAt(app.server.address())
    done()
  })
  healthRoute(app, services)
  await app.register(downloads, services)
  await app.register(managementDoor, { prefix: '/v1/projects/:ref', services })
  await app.register(gateway, { ...services, observe: services.observe, limits: http })
  await app.register(
    async (scope) => {
      scope.addHook('onRequest', (_request, reply, done) => {
        for (const [name, value] of Object.entries(browserHeaders)) reply.raw.setHeader(name, value)
        reply.raw.setHeader('content-security-policy', API_POLICY)
        reply.raw.setHeader('cache-control', 'no-store')
        done()
      })
      scope.addHook('preValidation', (request, _reply, done) => {
        const { input } = request.query as { input?: unknown }
        const isDeep = (typeof request.body === 'string' && isTooDeep(request.body)) || (typeof input === 'string' && isTooDeep(input))
        done(isDeep ? new ServiceError('request.invalid', { message: 'The JSON is nested too deeply.' }) : undefined)
      })
      await trpcDoor(scope, { services, router: appRouter, publicUrl: http.publicUrl, furtherOrigins: options.furtherOrigins })
    },
    { prefix: '/trpc' },
  )

  app.setNotFoundHandler((request, reply) => {
    // A project's own host has its API only; /projects and /projects/:ref are pages of the dashboard.
    const isProjectHost = request.originalUrl !== request.url
    const isApi = isProjectHost || /^\/(?:trpc|health|v1|downloads|projects\/[^/?]+\/[^/?]+\/v1)(?:[/?]|$)/.test(request.url)
    if (isApi || !dashboard) {
      const hint = isApi ? undefined : 'The dashboard was not built.'
      const error = new ServiceError('request.not_found', { hint })
      return reply.status(404).headers(browserHeaders).send(toErrorBody(error, request.id))
    }
    for (const [name, value] of Object.entries(browserHeaders)) reply.raw.setHeader(name, value)
    reply.hijack()
    Object.defineProperty(request.raw, ASK_API, { value: toAskApi(app, request) })
    dashboard(request.raw, reply.raw, (error) => {
      if (error) services.observe({ kind: 'error', requestId: request.id, code: 'system.unexpected', cause: error })
      if (reply.raw.headersSent) return void reply.raw.destroy()
      const known = new ServiceError(error ? 'system.unexpected' : 'request.not_found')
      reply.raw.writeHead(known.status, { 'content-type': 'application/json; charset=utf-8' })
      reply.raw.end(JSON.stringify(toErrorBody(known, request.id)))
    })
    return reply
  })
  return app
}

/** The first drawing of a page reads as its visitor does: the same door, the same checks, and no other request than a read. */
function toAskApi(app: FastifyInstance, { raw, id }: FastifyRequest): AskApi {
  return async (path) => {
    if (!path.startsWith('/trpc/')) throw new ServiceError('request.not_found')
    const headers = { cookie: raw.headers.cookie, host: raw.headers.host, 'user-agent': raw.headers['user-agent'], 'x-request-id': id }
    const answer = await app.inject({ method: 'GET', url: path, headers, remoteAddress: raw.socket.remoteAddress })
    return { status: answer.statusCode, body: answer.body }
  }
}

/** Fastify's own refusals carry a status; anything else that is not ours is unexpected. */
function toKnown(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error
  const status = (error as { statusCode?: number }).statusCode ?? 500
  if (status === 413) return new ServiceError('request.too_large', { cause: error })
  return new ServiceError(status >= 400 && status < 500 ? 'request.invalid' : 'system.unexpected', { cause: error })
}

/** How an error looks outside of the services' own formats. */
function toErrorBody(error: ServiceError, requestId: string) {
  const { code, message, hint } = error
  return { error: { code, message, hint: hint ?? null, requestId } }
}
