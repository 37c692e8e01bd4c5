// The limit of the functions suite: one hop of node:http and undici in front of a bare Deno that runs the same handler. Says its
// port to the process that forked it.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { Pool } from 'undici'

/** The same code is deployed as a function. */
export const HANDLER = `() => new Response('{"hello":"world"}', { headers: { 'content-type': 'application/json' } })`

async function main(): Promise<void> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'polder-bench-deno-'))
  const socketPath = path.join(folder, 'in.sock')
  const script = path.join(folder, 'main.js')
  writeFileSync(script, `Deno.serve({ path: ${JSON.stringify(socketPath)}, onListen: () => console.log('ready') }, ${HANDLER})`)
  const require = createRequire(createRequire(import.meta.url).resolve('deno/package.json'))
  const binary = path.join(path.dirname(require.resolve('@deno/linux-x64-glibc/package.json')), 'deno')
  const deno = spawn(binary, ['run', '-A', '--no-check', '--no-config', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  process.on('exit', () => {
    deno.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })
  process.on('SIGTERM', () => process.exit(0))
  await new Promise((resolve) => deno.stdout.once('data', resolve))
  const pool = new Pool('http://function', { socketPath, connections: 256, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 })
  const server = createServer((request, response) => {
    const { connection: _connection, ...headers } = request.headers as Record<string, string>
    pool.dispatch(
      { path: request.url ?? '/', method: 'GET', headers },
      {
        onRequestStart() {},
        onResponseStart(_controller, status, given) {
          response.writeHead(status, given as Record<string, string>)
        },
        onResponseData: (_controller, chunk) => void response.write(chunk),
        onResponseEnd: () => void response.end(),
        onResponseError: () => void response.destroy(),
      },
    )
  })
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
}

if (process.send) await main()
