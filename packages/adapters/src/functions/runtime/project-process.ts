import { ServiceError, type FunctionsSettings } from '@polder/core'
import type { FunctionProcess, ProcessLine, ProcessListener } from './function-process.ts'
import type { CallOutcome, RunnableFunction } from './function-runtime.ts'

/** A call that runs. */
export interface ActiveCall {
  readonly name: string
  readonly version: number
  readonly requestId: string
  readonly method: string
  readonly path: string
  readonly isColdStart: boolean
  readonly startedAt: Date
  readonly startedMs: number
  /** Its share of what the process used so far. */
  cpuMs: number
  /** Ends it from outside, with this error. */
  fail(error: ServiceError): void
}

interface EndedCall {
  call: ActiveCall
  status: number
  durationMs: number
  error: string | null
}

export interface ProjectProcessOptions {
  process: FunctionProcess
  settings: FunctionsSettings
  onLine(line: ProcessLine): void
  onExit(): void
  onOutcome(outcome: Omit<CallOutcome, 'ref'>): void
}

/** How often a process that works is looked at: what it may use beyond its memory in between is what it can allocate in that time. */
const WATCH_MS = 50
const ALIVE_MS = 500
const MEGABYTE = 1024 * 1024

/** A process that has become a project's: what it runs, what that costs, and when it ends. */
export class ProjectProcess implements ProcessListener {
  readonly #process: FunctionProcess
  readonly #settings: FunctionsSettings
  readonly #options: ProjectProcessOptions
  readonly #loaded = new Map<string, { version: number; loading: Promise<void>; isDone: boolean }>()
  readonly #active = new Set<ActiveCall>()
  readonly #activeByName = new Map<string, number>()
  /** Calls that ended since the last look: what they used is known only then. */
  #ended: EndedCall[] = []
  #timer: NodeJS.Timeout | undefined
  #cpuMs: number
  #memoryBytes = 0
  /** CPU time used since anything was last seen to come of it. */
  #cpuWithoutProgressMs = 0
  #isRetired = false
  #skipped = 0
  #killReason: ServiceError | undefined
  lastUsedAt = performance.now()

  constructor(options: ProjectProcessOptions) {
    this.#options = options
    this.#process = options.process
    this.#settings = options.settings
    this.#cpuMs = options.process.usage.read()?.cpuMs ?? 0
    this.#watch()
  }

  get hasExited(): boolean {
    return this.#process.hasExited
  }

  get isIdle(): boolean {
    return this.#active.size === 0 && this.#process.pending === 0
  }

  get wallClockMs(): number {
    return this.#settings.wallClockSeconds * 1000
  }

  get maxBodyBytes(): number {
    return this.#settings.maxBodyMb * MEGABYTE
  }

  get requests() {
    return this.#process.pool
  }

  /** True for a function that can be called, its loading where it is not done yet, undefined where it has not begun. */
  findLoaded(target: RunnableFunction): true | Promise<void> | undefined {
    const known = this.#loaded.get(target.name)
    if (known === undefined) return undefined
    return known.isDone ? true : known.loading
  }

  /** Loads the function's module. Throws `functions.boot_failed`. */
  load(target: RunnableFunction, read: () => Promise<Buffer>): Promise<void> {
    this.#begin()
    const entry = { version: target.version, isDone: false, loading: this.#load(target, read) }
    this.#loaded.set(target.name, entry)
    entry.loading.then(
      () => (entry.isDone = true),
      () => this.#loaded.delete(target.name),
    )
    return entry.loading
  }

  async #load({ name, version }: RunnableFunction, read: () => Promise<Buffer>): Promise<void> {
    try {
      await this.#process.load(name, version, await read())
    } catch (error) {
      const reason =
        error instanceof ServiceError ? ((error.details as { reason?: string } | undefined)?.reason ?? error.message) : String(error)
      this.#options.onLine({ level: 'error', source: 'platform', name, version, message: `Boot failed: ${reason}` })
      throw this.#killReason ?? error
    }
  }

  /** Counts a call in. Throws `functions.busy` where the function runs as many as it may. */
  enter(call: ActiveCall): void {
    const count = this.#activeByName.get(call.name) ?? 0
    if (count >= this.#settings.maxConcurrency) throw new ServiceError('functions.busy')
    this.#activeByName.set(call.name, count + 1)
    this.#active.add(call)
    this.#begin()
  }

  /** Counts a call out; what it cost is told at the next look. */
  leave(call: ActiveCall, status: number, error: string | null): void {
    if (!this.#active.delete(call)) return
    this.#activeByName.set(call.name, (this.#activeByName.get(call.name) ?? 1) - 1)
    this.lastUsedAt = performance.now()
    this.#ended.push({ call, status, durationMs: this.lastUsedAt - call.startedMs, error })
    this.noteProgress()
    if (this.hasExited) this.#flush(0)
    else if (this.#isRetired && this.isIdle) this.kill()
  }

  /** Something came of what the process does. */
  noteProgress(): void {
    this.#cpuWithoutProgressMs = 0
  }

  /** Ends it if it answers nothing any more: a function can block it without using CPU time. */
  async requireAlive(): Promise<void> {
    try {
      const { body } = await this.requests.request({ method: 'GET', path: '/', signal: AbortSignal.timeout(ALIVE_MS) })
      await body.dump()
    } catch {
      if (!this.hasExited) this.#endForLimit('wall-clock time: it was blocked and answered nothing')
    }
  }

  /** Ends it when it has done what it is doing. */
  retire(): void {
    this.#isRetired = true
    if (this.isIdle) this.kill()
  }

  kill(): void {
    this.#process.kill()
  }

  onLine(line: ProcessLine): void {
    this.#options.onLine(line)
  }

  onExit(): void {
    clearInterval(this.#timer)
    const wasBusy = this.#active.size > 0
    if (wasBusy && this.#killReason === undefined) {
      this.#options.onLine({
        level: 'error',
        source: 'platform',
        message: 'The process ended by itself while calls were running: out of memory, or Deno.exit.',
      })
    }
    for (const call of [...this.#active]) call.fail(this.#killReason ?? new ServiceError('functions.crashed'))
    this.#flush(0)
    this.#options.onExit()
  }

  #begin(): void {
    this.lastUsedAt = performance.now()
    if (this.#timer === undefined) this.#watch()
  }

  #watch(): void {
    this.#timer = setInterval(() => this.#look(), WATCH_MS)
    this.#timer.unref()
  }

  /** What was used since the last look, whose it was, and whether that was too much. */
  #look(): void {
    // One that rests is looked at ten times less often: there is nothing to share out, and little that it can do.
    if (this.isIdle && this.#ended.length === 0 && (this.#skipped += 1) % 10 !== 0) return
    const usage = this.#process.usage.read()
    const usedMs = usage === undefined ? 0 : usage.cpuMs - this.#cpuMs
    if (usage !== undefined) [this.#cpuMs, this.#memoryBytes] = [usage.cpuMs, usage.memoryBytes]
    this.#flush(usedMs)
    this.#cpuWithoutProgressMs += usedMs
    const { memoryMb, cpuMs } = this.#settings
    if (this.#memoryBytes > memoryMb * MEGABYTE)
      return this.#endForLimit(`memory: it held ${Math.round(this.#memoryBytes / MEGABYTE)} MB of ${memoryMb} MB`)
    const greediest = Math.max(0, ...[...this.#active].map((call) => call.cpuMs))
    if (this.#cpuWithoutProgressMs > cpuMs || greediest > cpuMs) return this.#endForLimit(`CPU time: more than ${cpuMs} ms for one call`)
    this.#endIfIdle()
  }

  #endForLimit(reason: string): void {
    this.#killReason = new ServiceError('functions.resource_limit', { details: { reason } })
    const names = new Set([...this.#active].map(({ name }) => name))
    const [only] = names.size === 1 ? names : []
    this.#options.onLine({ level: 'error', source: 'platform', name: only, message: `The process was ended for its limit of ${reason}.` })
    this.kill()
  }

  #endIfIdle(): void {
    if (this.#active.size > 0) return
    const idleMs = performance.now() - this.lastUsedAt
    const isWaitedFor = this.#process.pending > 0 && idleMs < this.wallClockMs
    if (isWaitedFor) return
    if (this.#isRetired || idleMs > this.#settings.idleSeconds * 1000) this.kill()
  }

  /** Shares out what was used among those that ran, and tells of those that ended. */
  #flush(usedMs: number): void {
    const sharers = this.#active.size + this.#ended.length
    if (sharers > 0 && usedMs > 0) {
      for (const call of this.#active) call.cpuMs += usedMs / sharers
      for (const { call } of this.#ended) call.cpuMs += usedMs / sharers
    }
    if (this.#ended.length === 0) return
    const ended = this.#ended
    this.#ended = []
    const memoryMb = this.#memoryBytes > 0 ? Math.round((this.#memoryBytes / MEGABYTE) * 10) / 10 : null
    for (const each of ended) this.#options.onOutcome({ ...each, cpuMs: Math.round(each.call.cpuMs * 10) / 10, memoryMb })
  }
}
