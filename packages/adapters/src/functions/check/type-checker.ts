import { execFile } from 'node:child_process'
import { Worker } from 'node:worker_threads'
import type { FunctionSource } from '@polder/core'
import type { BundleProblem } from '../bundle/bundle-function.ts'
import { findDenoBinary } from '../runtime/deno-binary.ts'

/** Checks types in a thread of its own, which is there only while somebody writes. */
export interface TypeChecker {
  /** Nothing where types cannot be checked, or not in time. */
  check(source: FunctionSource): Promise<BundleProblem[]>
  close(): Promise<void>
}

const TIMEOUT_MS = 15_000
const IDLE_MS = 120_000
const MEMORY_MB = 768
/** Checks that wait at the same time; more are not made. */
const MAX_WAITING = 20

export function createTypeChecker(): TypeChecker {
  let worker: Promise<Worker> | undefined
  let idle: NodeJS.Timeout | undefined
  let last = 0
  const waiting = new Map<number, (problems: BundleProblem[]) => void>()

  async function start(): Promise<Worker> {
    const denoTypes = await readDenoTypes()
    const made = new Worker(new URL('type-check-worker.ts', import.meta.url), {
      workerData: { denoTypes },
      resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB },
      env: {},
    })
    made.unref()
    made.on('message', ({ id, problems }: { id: number; problems: BundleProblem[] }) => settle(id, problems))
    made.on('error', forget)
    made.on('exit', forget)
    return made
  }

  function settle(id: number, problems: BundleProblem[]): void {
    waiting.get(id)?.(problems)
    waiting.delete(id)
  }

  function forget(): void {
    worker = undefined
    for (const id of [...waiting.keys()]) settle(id, [])
  }

  async function stop(): Promise<void> {
    clearTimeout(idle)
    const running = await worker?.catch(() => undefined)
    forget()
    await running?.terminate()
  }

  return {
    async check(source) {
      if (waiting.size >= MAX_WAITING) return []
      clearTimeout(idle)
      idle = setTimeout(() => void stop(), IDLE_MS).unref()
      const id = (last += 1)
      const answer = new Promise<BundleProblem[]>((resolve) => waiting.set(id, resolve))
      // One that hangs is ended with everything that waits behind it.
      const timer = setTimeout(() => void stop(), TIMEOUT_MS).unref()
      try {
        worker ??= start()
        ;(await worker).postMessage({ id, source })
        return await answer
      } catch {
        settle(id, [])
        worker = undefined
        return []
      } finally {
        clearTimeout(timer)
      }
    },
    close: stop,
  }
}

/** The declarations of the very Deno that runs functions. */
function readDenoTypes(): Promise<string> {
  const binary = findDenoBinary()
  if (binary === undefined) return Promise.reject(new Error('there is no Deno'))
  return new Promise((resolve, reject) => {
    const options = { env: { NO_COLOR: '1', DENO_DIR: '/none' }, maxBuffer: 16 << 20, timeout: 10_000 }
    execFile(binary, ['types'], options, (error, output) => (error ? reject(error) : resolve(output)))
  })
}
