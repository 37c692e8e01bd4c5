import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')

export interface RunningServer {
  url: string
  folder: string
  process: ChildProcess
  /** Everything that it printed so far. */
  output(): string
  /** As a supervisor does: SIGTERM to the process that was started; then waits until the server and its Postgres are gone. */
  stop(): Promise<void>
  /** Ends all of it at once, as a machine out of memory would; only Postgres, which stands apart, goes on. */
  kill(): Promise<void>
}

export interface StartOptions {
  folder: string
  port: number
  postgresPort: number
  environment?: Record<string, string>
}

/** A folder that the server's database may live in; the system's Postgres account must be able to reach it. */
export function makeFolder(): Promise<string> {
  return mkdtemp(path.join(os.tmpdir(), 'polder-e2e-'))
}

export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true })
}

/** A TCP port of the loopback interface that is free just now. */
export function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = net.createServer()
    probe.on('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as net.AddressInfo
      probe.close(() => resolve(port))
    })
  })
}

/** Runs the start command that the README names and returns at once; see `untilListening`. */
export function spawnServer({ folder, port, postgresPort, environment }: StartOptions): RunningServer {
  const child = spawn('npm', ['start', '--silent'], {
    cwd: root,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      POLDER_DATA_DIR: folder,
      POLDER_PORT: String(port),
      POLDER_POSTGRES_PORT: String(postgresPort),
      ...environment,
    },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk))
  const ended = new Promise<number | null>((resolve) => child.on('exit', (code) => resolve(code)))
  return {
    url: `http://localhost:${port}`,
    folder,
    process: child,
    output: () => output,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
      await ended
      // npm does not wait for what it started
      await until(async () => !(await isListening(port)) && !existsSync(path.join(folder, 'postgres/data/postmaster.pid')))
    },
    async kill() {
      process.kill(-child.pid!, 'SIGKILL')
      await ended
      await until(async () => !(await isListening(port)))
    },
  }
}

async function until(isDone: () => Promise<boolean>, timeoutMs = 20_000): Promise<void> {
  for (const deadline = Date.now() + timeoutMs; !(await isDone()); await sleep(50))
    if (Date.now() > deadline) throw new Error('the server did not stop')
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1')
    socket.on('connect', () => (socket.destroy(), resolve(true)))
    socket.on('error', () => resolve(false))
  })
}

/** Waits until `/health` answers 200; throws with the server's output when it ends or takes too long. */
export async function untilListening(server: RunningServer, timeoutMs = 90_000): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while (Date.now() < deadline) {
    if (server.process.exitCode !== null) throw new Error(`the server ended with ${server.process.exitCode}:\n${server.output()}`)
    const answer = await fetch(`${server.url}/health`).catch(() => undefined)
    if (answer?.ok) return
    await sleep(50)
  }
  throw new Error(`no answer within ${timeoutMs} ms:\n${server.output()}`)
}

/** Starts a server and waits for it. */
export async function startServer(options: StartOptions): Promise<RunningServer> {
  const server = spawnServer(options)
  await untilListening(server)
  return server
}
