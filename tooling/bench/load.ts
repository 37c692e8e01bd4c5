import { fork } from 'node:child_process'
import net from 'node:net'
import { fileURLToPath } from 'node:url'
import { toPercentile } from './measure.ts'

/** A closed loop on raw keep-alive sockets: as cheap as it can be in Node, because it shares the cores with what it measures. */
export interface LoadOptions {
  port: number
  /** The whole HTTP/1.1 request, head and body; sent as it is, again and again. */
  request: string
  connections: number
  seconds: number
}

export interface LoadResult {
  perSecond: number
  p50Ms: number
  p99Ms: number
  /** Answers whose status was not 2xx. */
  failures: number
}

/** Runs the load in a process of its own. */
export function runLoad(options: LoadOptions): Promise<LoadResult> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), [], { execArgv: [] })
    child.on('message', (result) => resolve(result as LoadResult))
    child.on('error', reject)
    child.on('exit', (code) => code && reject(new Error(`the load generator ended with ${code}`)))
    child.send(options)
  })
}

function load({ port, request, connections, seconds }: LoadOptions): Promise<LoadResult> {
  const bytes = Buffer.from(request)
  const latencies: number[] = []
  let failures = 0
  let open = connections
  const start = performance.now()
  const end = start + seconds * 1000
  return new Promise((resolve, reject) => {
    const finish = () => {
      if (--open) return
      const elapsed = (performance.now() - start) / 1000
      resolve({ perSecond: latencies.length / elapsed, p50Ms: toPercentile(latencies, 50), p99Ms: toPercentile(latencies, 99), failures })
    }
    for (let i = 0; i < connections; i++) {
      const socket = net.connect(port, '127.0.0.1')
      let sent = 0
      let wanted = -1
      let got = 0
      let head = ''
      const send = () => {
        sent = performance.now()
        wanted = -1
        got = 0
        head = ''
        socket.write(bytes)
      }
      socket.setNoDelay(true)
      socket.on('connect', send)
      socket.on('error', reject)
      socket.on('data', (chunk) => {
        if (wanted < 0) {
          head += chunk.toString('latin1')
          const headEnd = head.indexOf('\r\n\r\n')
          if (headEnd < 0) return
          const length = /content-length: *(\d+)/i.exec(head.slice(0, headEnd))
          if (!length) return reject(new Error(`an answer without Content-Length:\n${head.slice(0, headEnd)}`))
          if (head[9] !== '2') failures++
          wanted = headEnd + 4 + Number(length[1])
          got = head.length
        } else got += chunk.length
        if (got < wanted) return
        const now = performance.now()
        latencies.push(now - sent)
        if (now < end) send()
        else socket.end(finish)
      })
    }
  })
}

if (process.send) {
  process.once('message', async (options) => {
    process.send!(await load(options as LoadOptions))
    process.exit(0)
  })
}
