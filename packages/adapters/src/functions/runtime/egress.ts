import { chownSync } from 'node:fs'
import { createServer, request as requestInside, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect, createServer as createSocketServer, type Server, type Socket } from 'node:net'
import path from 'node:path'
import { pipeline } from 'node:stream'
import { isServiceError, ServiceError } from '@polder/core'
import type { OutgoingAgents } from '../../outgoing/index.ts'
import { DATABASE_SOCKET } from './start-command.ts'

export interface EgressOptions {
  folder: string
  /** User of the process, who must get at the sockets. */
  uid: number | undefined
  /** Connections to public addresses. */
  agents: OutgoingAgents
  /** Where a project's own address leads inside of the installation; undefined for any other address. */
  findInside(ref: string, url: URL): { host: string; port: number; path: string } | undefined
  /** Where the project's database listens. */
  databaseAddress(ref: string): Promise<{ host: string; port: number }>
}

/** The only ways out of a function process: HTTP to public addresses and to its own project, and its own database. */
export interface Egress {
  /** From now on whoever asks is this project. */
  assign(ref: string): void
  close(): Promise<void>
}

const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'te',
  'trailer',
  'upgrade',
  'expect',
  'host',
])
const MAX_HEADERS = 100
const TIMEOUT_MS = 150_000
/** Answers that are not there yet, and connections to the database, of one process. */
const MAX_CONNECTIONS = 64

export async function openEgress(options: EgressOptions): Promise<Egress> {
  let ref: string | undefined
  const http = createServer({ requestTimeout: 0 }, (request, response) => {
    answer(request, response).catch((error: unknown) => refuse(response, error))
  })
  http.maxConnections = MAX_CONNECTIONS
  const sockets = new Set<Socket>()
  const database = createSocketServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    toDatabase(socket).catch(() => socket.destroy())
  })
  database.maxConnections = MAX_CONNECTIONS
  await Promise.all([listen(http, path.join(options.folder, 'out.sock')), listen(database, path.join(options.folder, DATABASE_SOCKET))])
  if (options.uid !== undefined) {
    for (const name of ['out.sock', DATABASE_SOCKET]) chownSync(path.join(options.folder, name), options.uid, options.uid)
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (ref === undefined) throw new ServiceError('outgoing.url_invalid')
    const url = requireUrl(request.headers['x-egress-url'])
    const headers = toForwarded(request.headers)
    const inside = options.findInside(ref, url)
    if (inside !== undefined) return passInside(request, response, { ...inside, headers: { ...headers, host: url.host } })
    await passOutside(request, response, url, headers)
  }

  async function passOutside(request: IncomingMessage, response: ServerResponse, url: URL, headers: Record<string, string | string[]>) {
    const { dispatcher } = await options.agents.open(url)
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    const answered = await dispatcher.request({
      origin: url.origin,
      path: url.pathname + url.search,
      method: (request.method ?? 'GET') as 'GET',
      headers: { ...headers, host: url.host },
      body: hasBody(request) ? request : null,
      headersTimeout: TIMEOUT_MS,
      bodyTimeout: TIMEOUT_MS,
      signal: gone.signal,
    })
    response.writeHead(answered.statusCode, toForwarded(answered.headers))
    pipeline(answered.body, response, () => {})
  }

  async function toDatabase(socket: Socket): Promise<void> {
    if (ref === undefined) return void socket.destroy()
    const { host, port } = await options.databaseAddress(ref)
    const server = connect({ host, port })
    sockets.add(server)
    server.on('close', () => sockets.delete(server))
    pipeline(socket, server, socket, () => {})
  }

  return {
    assign: (project) => (ref = project),
    async close() {
      http.closeAllConnections()
      for (const socket of sockets) socket.destroy()
      await Promise.all([new Promise((done) => http.close(done)), new Promise((done) => database.close(done))])
    },
  }
}

function passInside(
  request: IncomingMessage,
  response: ServerResponse,
  target: { host: string; port: number; path: string; headers: Record<string, string | string[]> },
): void {
  const inner = requestInside({ ...target, method: request.method, timeout: TIMEOUT_MS }, (answered) => {
    response.writeHead(answered.statusCode ?? 502, toForwarded(answered.headers))
    pipeline(answered, response, () => {})
  })
  inner.on('error', (cause) => refuse(response, new ServiceError('outgoing.unreachable', { cause })))
  inner.on('timeout', () => inner.destroy())
  response.once('close', () => inner.destroy())
  if (hasBody(request)) pipeline(request, inner, () => {})
  else inner.end()
}

function requireUrl(given: string | string[] | undefined): URL {
  const url = typeof given === 'string' ? URL.parse(given) : null
  if (url === null || !/^https?:$/.test(url.protocol)) throw new ServiceError('outgoing.url_invalid')
  return url
}

function hasBody(request: IncomingMessage): boolean {
  return request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0
}

function toForwarded(headers: IncomingHttpHeaders): Record<string, string | string[]> {
  const named = new Set(
    String(headers.connection ?? '')
      .toLowerCase()
      .split(',')
      .map((name) => name.trim()),
  )
  const kept = Object.entries(headers).filter(
    ([name, value]) => value !== undefined && !HOP_BY_HOP.has(name) && !named.has(name) && !name.startsWith('x-egress-'),
  )
  return Object.fromEntries(kept.slice(0, MAX_HEADERS)) as Record<string, string | string[]>
}

/** Tells the function why a request was not sent. */
function refuse(response: ServerResponse, error: unknown): void {
  if (response.headersSent) return void response.destroy()
  const cause = error instanceof Error ? error.cause : undefined
  const known = isServiceError(error) ? error : isServiceError(cause) ? cause : new ServiceError('outgoing.unreachable', { cause: error })
  response.writeHead(502, { 'content-type': 'application/json', 'x-egress-refusal': known.code })
  response.end(JSON.stringify({ code: known.code, message: known.message }))
}

function listen(server: Server, file: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(file, () => {
      server.off('error', reject)
      server.on('error', () => {})
      resolve()
    })
  })
}
