import { connect } from 'node:net'

/** What came back before the connection closed, and after how long it did. */
export interface RawAnswer {
  text: string
  /** Of the first answer; 0 when there was none. */
  status: number
  closedAfterMs: number
}

/** Sends bytes as they are, which no HTTP client would, and reads until the other side closes or the time is up. */
export function sendRaw(port: number, bytes: string | string[], { pauseMs = 0, withinMs = 10_000 } = {}): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const start = performance.now()
    const socket = connect(port, '127.0.0.1')
    let text = ''
    const timer = setTimeout(() => socket.destroy(), withinMs)
    socket.on('data', (chunk) => (text += chunk.toString('latin1')))
    socket.on('error', (error: NodeJS.ErrnoException) => error.code !== 'ECONNRESET' && error.code !== 'EPIPE' && reject(error))
    socket.on('close', () => {
      clearTimeout(timer)
      const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0)
      resolve({ text, status, closedAfterMs: performance.now() - start })
    })
    socket.on('connect', async () => {
      for (const part of [bytes].flat()) {
        if (socket.destroyed) return
        socket.write(part, 'latin1')
        if (pauseMs > 0) await new Promise((next) => setTimeout(next, pauseMs))
      }
    })
  })
}
