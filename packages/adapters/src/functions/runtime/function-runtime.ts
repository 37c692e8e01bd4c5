import { ServiceError, type FunctionsSettings, type ProjectRef } from '@polder/core'
import { callFunction, type FunctionCall } from './call-function.ts'
import type { Assignment, FunctionProcess, ProcessLine } from './function-process.ts'
import type { ProcessPool } from './process-pool.ts'
import { ProjectProcess, type ActiveCall } from './project-process.ts'

/** A function as the runtime knows it. */
export interface RunnableFunction {
  id: string
  name: string
  version: number
}

export interface RuntimeProject {
  ref: ProjectRef
  settings: FunctionsSettings
}

/** What became of a call: kept by whoever keeps calls. */
export interface CallOutcome {
  ref: ProjectRef
  call: ActiveCall
  status: number
  durationMs: number
  cpuMs: number | null
  memoryMb: number | null
  error: string | null
}

export interface FunctionRuntimeOptions {
  pool: ProcessPool
  /** What a project's process is to know. */
  loadAssignment(project: RuntimeProject): Promise<Omit<Assignment, 'ref' | 'memoryMb' | 'logBytesPerSecond'>>
  loadBundle(ref: string, target: RunnableFunction): Promise<Buffer>
  onLine(ref: ProjectRef, line: ProcessLine): void
  onOutcome(outcome: CallOutcome): void
}

/** A version that was started to see whether it does. */
export interface Trial extends AsyncDisposable {
  bootMs: number
  /** Makes its process the project's; the old one finishes what it does. */
  adopt(): void
}

/** Runs functions: one process a project at most, started when it is called and stopped when it is not. */
export interface FunctionRuntime {
  call(project: RuntimeProject, target: RunnableFunction, call: FunctionCall): Promise<void>
  /** Throws `functions.boot_failed` for a version that does not start. */
  tryVersion(project: RuntimeProject, target: RunnableFunction, code: Buffer): Promise<Trial>
  /** Lets the project's process finish what it does, and answer nothing new: something of it has changed. */
  retire(ref: string): void
  /** Ends the project's process. */
  stop(ref: string): void
  /** Projects with a process. */
  listRunning(): string[]
  close(): void
}

export function createFunctionRuntime(options: FunctionRuntimeOptions): FunctionRuntime {
  const projects = new Map<string, Promise<ProjectProcess>>()
  // Counts changes, so that a process which was being started before one is not used after it.
  const generations = new Map<string, number>()

  async function start(project: RuntimeProject): Promise<ProjectProcess> {
    const [taken, assignment] = await Promise.all([takeProcess(project), options.loadAssignment(project)])
    return makeProject(project, taken, assignment)
  }

  async function takeProcess({ settings }: RuntimeProject): Promise<FunctionProcess> {
    try {
      return await options.pool.take(settings.memoryMb)
    } catch (error) {
      if (!(error instanceof ServiceError && error.code === 'system.busy') || !stopIdlest()) throw error
      return await options.pool.take(settings.memoryMb)
    }
  }

  /** Makes room where all processes are taken: whoever has not been called for longest gives way. */
  function stopIdlest(): boolean {
    let idlest: ProjectProcess | undefined
    for (const each of known.values()) if (each.isIdle && (idlest === undefined || each.lastUsedAt < idlest.lastUsedAt)) idlest = each
    idlest?.kill()
    return idlest !== undefined
  }

  function makeProject(
    project: RuntimeProject,
    taken: FunctionProcess,
    assignment: Awaited<ReturnType<FunctionRuntimeOptions['loadAssignment']>>,
  ) {
    const { ref, settings } = project
    const made = new ProjectProcess({
      process: taken,
      settings,
      onLine: (line) => options.onLine(ref, line),
      onExit: () => forget(ref, made),
      onOutcome: (outcome) => options.onOutcome({ ref, ...outcome }),
    })
    taken.assign({ ...assignment, ref, memoryMb: settings.memoryMb, logBytesPerSecond: settings.logKbPerSecond * 1024 }, made)
    return made
  }

  // The same as `projects`, for those that run already.
  const known = new Map<string, ProjectProcess>()

  function forget(ref: string, process: ProjectProcess): void {
    if (known.get(ref) !== process) return
    known.delete(ref)
    projects.delete(ref)
  }

  async function find(project: RuntimeProject): Promise<{ process: ProjectProcess; isCold: boolean }> {
    const ready = known.get(project.ref)
    if (ready !== undefined) return { process: ready, isCold: false }
    let starting = projects.get(project.ref)
    if (starting === undefined) {
      starting = startKnown(project)
      projects.set(project.ref, starting)
    }
    return { process: await starting, isCold: true }
  }

  async function startKnown(project: RuntimeProject): Promise<ProjectProcess> {
    const { ref } = project
    try {
      for (;;) {
        const generation = generations.get(ref) ?? 0
        const made = await start(project)
        if ((generations.get(ref) ?? 0) === generation) {
          known.set(ref, made)
          if (made.hasExited) forget(ref, made)
          return made
        }
        made.kill()
      }
    } catch (error) {
      projects.delete(ref)
      throw error
    }
  }

  function retire(ref: string): void {
    if (projects.has(ref)) generations.set(ref, (generations.get(ref) ?? 0) + 1)
    const running = known.get(ref)
    if (running === undefined) return
    forget(ref, running)
    running.retire()
  }

  /** A call that got no further than its function's start is a call all the same. */
  function tellOfFailure({ ref }: RuntimeProject, { name, version }: RunnableFunction, call: FunctionCall, error: unknown): never {
    const { requestId, method, path } = call
    const active = { name, version, requestId, method, path, isColdStart: true, startedAt: new Date(), startedMs: 0, cpuMs: 0, fail() {} }
    const reason = error instanceof Error ? error.message : String(error)
    options.onOutcome({ ref, call: active, status: 503, durationMs: 0, cpuMs: null, memoryMb: null, error: reason })
    throw error
  }

  return {
    async call(project, target, call) {
      // Read while the process is taken: a cold call waits for the longer of both.
      const early = known.has(project.ref) ? undefined : options.loadBundle(project.ref, target)
      early?.catch(() => {})
      const { process, isCold } = await find(project)
      const before = process.findLoaded(target)
      const loaded = before ?? process.load(target, () => early ?? options.loadBundle(project.ref, target))
      if (loaded instanceof Promise) await loaded.catch((error: unknown) => tellOfFailure(project, target, call, error))
      await callFunction(process, target, call, isCold || before === undefined)
    },
    async tryVersion(project, target, code) {
      const started = performance.now()
      const process = await start(project)
      try {
        await process.load(target, async () => code)
      } catch (error) {
        process.kill()
        throw error
      }
      let isAdopted = false
      return {
        bootMs: performance.now() - started,
        adopt() {
          isAdopted = true
          if (process.hasExited) return
          retire(project.ref)
          known.set(project.ref, process)
          projects.set(project.ref, Promise.resolve(process))
        },
        async [Symbol.asyncDispose]() {
          if (!isAdopted) process.kill()
        },
      }
    },
    retire,
    stop(ref) {
      const running = known.get(ref)
      retire(ref)
      running?.kill()
    },
    listRunning: () => [...known.keys()],
    close() {
      for (const each of known.values()) each.kill()
    },
  }
}
