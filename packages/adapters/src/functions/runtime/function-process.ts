import { spawn, type ChildProcess } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { ServiceError } from '@polder/core'
import { Pool } from 'undici'
import { openEgress, type Egress, type EgressOptions } from './egress.ts'
import { readLines, type ProcessMessage } from './process-lines.ts'
import { openUsageReader, type UsageReader } from './process-usage.ts'
import { toEnvironment, SYSTEM_PATH, type StartCommand } from './start-command.ts'

/** What a process learns when it is given to a project. */
export interface Assignment {
  ref: string
  /** What functions read from `Deno.env`. */
  env: Record<string, string>
  /** Origin of the URLs that functions see. */
  origin: string
  memoryMb: number
  logBytesPerSecond: number
}

export interface ProcessLine {
  level: 'debug' | 'info' | 'warn' | 'error'
  source: 'console' | 'platform'
  name?: string | undefined
  version?: number | undefined
  requestId?: string | undefined
  message: string
}

export interface ProcessListener {
  onLine(line: ProcessLine): void
  onExit(): void
}

export interface FunctionProcessOptions {
  command: StartCommand
  /** Folder for this process's sockets; made here and removed with it. */
  folder: string
  memoryMb: number
  /** Its own user, where the server may choose one. */
  uid: number | undefined
  egress: Omit<EgressOptions, 'folder' | 'uid'>
}

const READY_MS = 15_000
/** Longer than any project's own limit, which counts from when a function begins. */
const LOAD_MS = 10_000
const QUIET: ProcessListener = { onLine: () => {}, onExit: () => {} }

/** One Deno process: first anybody's, then one project's for good. */
export class FunctionProcess {
  /** Requests go here. */
  readonly pool: Pool
  readonly usage: UsageReader
  /** Work that goes on after answers. */
  pending = 0
  hasExited = false
  readonly #child: ChildProcess
  readonly #pid: number
  readonly #folder: string
  readonly #egress: Egress
  readonly #loading = new Map<number, (error: string | undefined) => void>()
  #listener = QUIET
  #assignment: Assignment | undefined
  #lastLoad = 0

  private constructor(child: ChildProcess, pid: number, folder: string, egress: Egress) {
    this.#child = child
    this.#pid = pid
    this.#folder = folder
    this.#egress = egress
    this.usage = openUsageReader(pid)
    this.pool = new Pool('http://function', {
      socketPath: path.join(folder, 'in.sock'),
      connections: 256,
      pipelining: 1,
      keepAliveTimeout: 30_000,
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: 65_536,
    })
  }

  /** Starts one and waits until it listens. Throws `functions.unavailable`. */
  static async start(options: FunctionProcessOptions): Promise<FunctionProcess> {
    const { command, folder, memoryMb, uid, egress: egressOptions } = options
    makeFolder(folder, uid)
    let egress: Egress | undefined
    let child: ChildProcess | undefined
    try {
      egress = await openEgress({ ...egressOptions, folder, uid })
      const { command: program, args, infoFd } = command.build({ folder, memoryMb, hasOwnUser: uid !== undefined })
      child = spawn(program, args, {
        cwd: '/',
        env: toEnvironment(SYSTEM_PATH),
        stdio: ['pipe', 'pipe', 'pipe', ...(infoFd === undefined ? [] : (['pipe'] as const))],
        ...(uid !== undefined && { uid, gid: uid }),
      })
      return await FunctionProcess.#untilReady(child, folder, egress, infoFd)
    } catch (cause) {
      child?.kill('SIGKILL')
      await egress?.close()
      rmSync(folder, { recursive: true, force: true })
      throw new ServiceError('functions.unavailable', { cause })
    }
  }

  static async #untilReady(child: ChildProcess, folder: string, egress: Egress, infoFd: number | undefined): Promise<FunctionProcess> {
    child.stdin?.on('error', () => {})
    const errors: string[] = []
    const ready = Promise.withResolvers<void>()
    let made: FunctionProcess | undefined
    const timer = setTimeout(() => ready.reject(new Error('it did not begin to listen in time')), READY_MS)
    child.once('error', ready.reject)
    child.once('exit', (code, signal) => ready.reject(new Error(`it ended with ${code ?? signal}: ${errors.join('\n').slice(0, 2000)}`)))
    const pid = infoFd === undefined ? Promise.resolve(child.pid ?? 0) : readChildPid(child.stdio[infoFd] as Readable)
    pid.catch(() => {})
    readLines(child.stdout as Readable, {
      bytesPerSecond: () => made?.logBytesPerSecond ?? 65_536,
      onMessage: (message) => (message.t === 'ready' ? ready.resolve() : made?.hear(message)),
      onText: (text) => made?.hearText('info', text),
      onDropped: (bytes) => made?.hearDropped(bytes),
    })
    readLines(child.stderr as Readable, {
      bytesPerSecond: () => made?.logBytesPerSecond ?? 65_536,
      onMessage: () => {},
      onText: (text) => (made === undefined ? errors.push(text) : made.hearText('error', text)),
      onDropped: (bytes) => made?.hearDropped(bytes),
    })
    try {
      await ready.promise
      made = new FunctionProcess(child, await pid, folder, egress)
    } finally {
      clearTimeout(timer)
    }
    const process = made
    child.once('exit', () => process.#end())
    if (child.exitCode !== null || child.signalCode !== null) process.#end()
    return process
  }

  get pid(): number {
    return this.#pid
  }

  /** Where its sockets are. */
  get folder(): string {
    return this.#folder
  }

  get logBytesPerSecond(): number {
    return this.#assignment?.logBytesPerSecond ?? 65_536
  }

  /** Makes it a project's, for good. */
  assign(assignment: Assignment, listener: ProcessListener): void {
    this.#assignment = assignment
    this.#listener = listener
    this.#egress.assign(assignment.ref)
    this.#send({ t: 'assign', env: assignment.env, origin: assignment.origin })
  }

  /** Runs a function's module. Throws `functions.boot_failed` with what the module threw. */
  async load(name: string, version: number, code: Buffer): Promise<void> {
    const id = (this.#lastLoad += 1)
    const { promise, resolve } = Promise.withResolvers<string | undefined>()
    this.#loading.set(id, resolve)
    const timer = setTimeout(() => resolve('The module did not finish loading in time.'), LOAD_MS)
    this.#send({ t: 'load', id, name, version, bytes: code.length }, code)
    const error = this.hasExited ? 'The process ended.' : await promise
    clearTimeout(timer)
    this.#loading.delete(id)
    if (error !== undefined)
      throw new ServiceError('functions.boot_failed', { message: `The function does not start: ${error}`, details: { reason: error } })
  }

  /** Ends it at once, whatever it is doing. */
  kill(): void {
    if (this.hasExited) return
    if (this.#pid !== this.#child.pid) killQuietly(this.#pid)
    this.#child.kill('SIGKILL')
  }

  hear(message: ProcessMessage): void {
    if (message.t === 'loaded') this.#loading.get(message.id)?.(message.error)
    else if (message.t === 'pending') this.pending = message.n
    else if (message.t === 'log') {
      const { l: level, m, n: name, v: version, r: requestId } = message
      this.#listener.onLine({ level, source: 'console', message: m, name, version, requestId })
    }
  }

  hearText(level: 'info' | 'error', message: string): void {
    this.#listener.onLine({ level, source: 'console', message })
  }

  hearDropped(bytes: number): void {
    this.#listener.onLine({
      level: 'warn',
      source: 'platform',
      message: `${bytes} bytes of log lines were dropped: the limit is ${this.logBytesPerSecond} a second.`,
    })
  }

  #send(head: object, bytes?: Buffer): void {
    const stdin = this.#child.stdin as Writable
    if (!stdin.writable) return
    stdin.cork()
    stdin.write(`${JSON.stringify(head)}\n`)
    if (bytes !== undefined && bytes.length > 0) stdin.write(bytes)
    stdin.uncork()
  }

  #end(): void {
    if (this.hasExited) return
    this.hasExited = true
    for (const resolve of this.#loading.values()) resolve('The process ended while the module was loading.')
    this.usage.close()
    this.pool.destroy().catch(() => {})
    void this.#egress.close()
    rmSync(this.#folder, { recursive: true, force: true })
    this.#listener.onExit()
  }
}

function makeFolder(folder: string, uid: number | undefined): void {
  mkdirSync(folder, { mode: 0o700 })
  if (uid === undefined) return
  chownSync(folder, uid, uid)
  chmodSync(folder, 0o700)
}

async function readChildPid(stream: Readable): Promise<number> {
  let text = ''
  for await (const chunk of stream) text += String(chunk)
  return (JSON.parse(text) as { 'child-pid': number })['child-pid']
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It is gone already.
  }
}
