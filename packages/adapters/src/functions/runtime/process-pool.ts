import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { ServiceError, type Observe } from '@polder/core'
import { findDenoBinary } from './deno-binary.ts'
import type { EgressOptions } from './egress.ts'
import { FunctionProcess } from './function-process.ts'
import { findStartCommand, type StartCommand } from './start-command.ts'

export interface ProcessPoolOptions {
  egress: Omit<EgressOptions, 'folder' | 'uid'>
  /** How many listening processes wait for a project. */
  warm: number
  /** Most processes of all projects together. */
  max: number
  observe: Observe
  /** False in tests of what holds without a jail. */
  isJailWanted?: boolean
}

/** Deno processes that listen already and belong to nobody yet. */
export interface ProcessPool {
  /** A process for a project; started now where none waits. Throws `functions.unavailable` or `system.busy`. */
  take(memoryMb: number): Promise<FunctionProcess>
  /** Begins to keep processes waiting; before this, none is. */
  fill(): void
  /** What keeps functions in on this machine, once it was looked for. */
  describe(): Promise<{ isAvailable: boolean; isJailed: boolean; warnings: readonly string[] }>
  /** Processes that run, waiting ones too. */
  readonly size: number
  close(): Promise<void>
}

/** Heap of a waiting process; a project that is allowed more gets one that is started for it. */
const WARM_MEMORY_MB = 512
/** Starting one takes a core: more at a time would only make all of them slow. */
const STARTS_AT_A_TIME = 3
/** Users of the processes, where the server may choose: far above those of people. */
const FIRST_UID = 2_100_000_000
const QUEUE_MS = 30_000

export function createProcessPool(options: ProcessPoolOptions): ProcessPool {
  const deno = findDenoBinary()
  const waiting: FunctionProcess[] = []
  const running = new Set<FunctionProcess>()
  const queue: (() => void)[] = []
  let command: Promise<StartCommand> | undefined
  let folder: string | undefined
  let starts = 0
  let filling = 0
  let lastNumber = 0
  let isFilled = false
  let isClosed = false

  function findCommand(): Promise<StartCommand> {
    if (deno === undefined)
      return Promise.reject(new ServiceError('functions.unavailable', { message: 'There is no Deno for this machine.' }))
    command ??= findStartCommand(deno, { isJailWanted: options.isJailWanted ?? true }).then((found) => {
      for (const message of found.warnings) options.observe({ kind: 'server', event: 'warning', message })
      return found
    })
    return command
  }

  async function enter(): Promise<void> {
    const deadline = performance.now() + QUEUE_MS
    while (starts >= STARTS_AT_A_TIME) {
      if (performance.now() > deadline) throw new ServiceError('system.busy')
      await new Promise<void>((resolve) => queue.push(resolve))
    }
    starts += 1
  }

  async function start(memoryMb: number): Promise<FunctionProcess> {
    const found = await findCommand()
    await enter()
    try {
      if (isClosed) throw new ServiceError('system.unavailable')
      folder ??= mkdtempSync(path.join(os.tmpdir(), 'polder-fn-'))
      const number = (lastNumber += 1)
      const uid = process.getuid?.() === 0 ? FIRST_UID + (number % 1_000_000) : undefined
      if (uid !== undefined && number === 1) openToAll(folder)
      const { egress } = options
      const made = await FunctionProcess.start({ command: found, folder: path.join(folder, String(number)), memoryMb, uid, egress })
      running.add(made)
      return made
    } finally {
      starts -= 1
      queue.shift()?.()
    }
  }

  function fill(): void {
    isFilled = true
    while (!isClosed && waiting.length + filling < options.warm && running.size + filling < options.max) {
      filling += 1
      start(WARM_MEMORY_MB).then(
        (made) => {
          filling -= 1
          if (isClosed) made.kill()
          else waiting.push(made)
        },
        (cause: unknown) => {
          filling -= 1
          isFilled = false
          if (!isClosed) options.observe({ kind: 'error', code: 'functions.unavailable', cause })
        },
      )
    }
  }

  function forgetEnded(): void {
    for (const each of running) if (each.hasExited) running.delete(each)
  }

  return {
    async take(memoryMb) {
      forgetEnded()
      if (memoryMb > WARM_MEMORY_MB) return await start(memoryMb)
      let made = waiting.shift()
      while (made?.hasExited) made = waiting.shift()
      if (made === undefined && running.size >= options.max) throw new ServiceError('system.busy')
      // The next one is started when this call has had its answer: a start takes a core for some milliseconds.
      setTimeout(fill, isFilled ? 50 : 500).unref()
      return made ?? (await start(WARM_MEMORY_MB))
    },
    fill,
    async describe() {
      const found = await findCommand().catch(() => undefined)
      return { isAvailable: found !== undefined, isJailed: found?.isJailed === true, warnings: found?.warnings ?? [] }
    },
    get size() {
      forgetEnded()
      return running.size
    },
    async close() {
      isClosed = true
      for (const wake of queue) wake()
      for (const each of running) each.kill()
      const deadline = performance.now() + 2_000
      while ([...running].some((each) => !each.hasExited) && performance.now() < deadline) await new Promise((next) => setTimeout(next, 10))
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Users of processes must get through to their own folder, and see no other's. */
function openToAll(folder: string): void {
  chmodSync(folder, 0o711)
}
