import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** For a route that takes large bodies: a body may take as long as it likes, while it comes. */
    isUpload?: boolean
  }
}

/** What an upload must bring in each span of the deadline; slower ones only hold their connection. */
const LEAST_PROGRESS = 16 << 10

/** Closes connections whose requests have not arrived in time. Node's own limit knows no routes: it would end every long upload. */
export function limitBodies(app: FastifyInstance, deadlineMs: number): void {
  app.addHook('onRequest', (request, reply, done) => {
    if (hasBody(request.raw)) watch(request.raw, reply.raw, { deadlineMs, isUpload: request.routeOptions.config.isUpload === true })
    done()
  })
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

function watch(request: IncomingMessage, response: ServerResponse, rule: { deadlineMs: number; isUpload: boolean }): void {
  const { socket } = request
  let seen = socket.bytesRead
  const stop = () => {
    clearInterval(timer)
    socket.off('close', stop)
  }
  const look = () => {
    const hasProgress = socket.bytesRead - seen >= LEAST_PROGRESS
    seen = socket.bytesRead
    if (rule.isUpload && hasProgress) return
    stop()
    if (request.complete) return
    if (socket.writable && !response.headersSent)
      socket.write('HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n')
    socket.destroySoon()
  }
  const timer = setInterval(look, rule.deadlineMs).unref()
  request.once('end', stop)
  socket.once('close', stop)
}
