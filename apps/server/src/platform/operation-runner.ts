import { setTimeout as sleep } from 'node:timers/promises'
import { isServiceError, ServiceError, type Observe, type Operation } from '@polder/core'
import { claimOperation, type OperationRecord, type PlatformDatabase, type PlatformEvents } from '@polder/db'
import type { OperationPlan, PlannedStep } from './operation-plan.ts'
import { OperationProgress, RunLostError } from './operation-progress.ts'

/** Called around every step; tests make it throw or end the process. */
export type FailPoint = (step: string, moment: 'before' | 'after') => void | Promise<void>

export interface OperationRunnerOptions {
  platform: PlatformDatabase
  events: PlatformEvents
  plans: readonly OperationPlan<object>[]
  observe: Observe
  failPoint?: FailPoint
  /** Pauses between the tries of one step. */
  pausesMs?: readonly number[]
}

type ShownError = { code: string; message: string }

export type OperationRunner = ReturnType<typeof createOperationRunner>

/** A process that dies in the same operation this often will die in it again: it is taken back instead. */
const MAX_ATTEMPTS = 5
/** After this many, taking it back has failed too, and the row must not stay open for ever. */
const MAX_UNDO_ATTEMPTS = 12

/** Runs operations to their end: forward with a few tries a step, else back. Safe to call for one that runs already. */
export function createOperationRunner(options: OperationRunnerOptions) {
  const plans = new Map(options.plans.map((plan) => [plan.kind, plan]))
  const pauses = options.pausesMs ?? [100, 500]
  const running = new Set<string>()

  return {
    /** Resolves when the operation has ended, or is another run's; rejects when the platform database cannot be reached. */
    async run(id: string): Promise<void> {
      if (running.has(id)) return
      running.add(id)
      try {
        const operation = await claimOperation(options.platform, id)
        const plan = operation && plans.get(operation.kind)
        if (plan) await runOne(plan, operation)
      } catch (error) {
        if (!(error instanceof RunLostError)) throw error
      } finally {
        running.delete(id)
      }
    },
  }

  async function runOne(plan: OperationPlan<object>, operation: OperationRecord): Promise<void> {
    const progress = new OperationProgress(operation, options.platform, options.events)
    const context = await plan.open(operation)
    if (!context) return end(plan, operation, progress, toShownError(new ServiceError('project.not_found')))
    let failure: unknown
    if (operation.status === 'undoing') failure = new ServiceError('project.provisioning_failed')
    else if (operation.attempt > MAX_ATTEMPTS)
      failure = new ServiceError('system.unexpected', { message: 'The server ended too often while it did this.' })
    else {
      try {
        for (const stage of plan.stages) await runStage(stage, context, operation, progress)
        progress.requireOwn()
        await progress.end('succeeded', null, (tx) => plan.succeed(tx, context, operation))
        report(operation, 'end', 'succeeded')
        await plan.ended?.(operation, true)
        return
      } catch (error) {
        if (error instanceof RunLostError) throw error
        failure = error
      }
    }
    const error = operation.error ?? toShownError(failure)
    if (plan.isUndone) await undo(plan, context, operation, progress, error)
    await end(plan, operation, progress, error)
  }

  async function runStage(
    stage: readonly PlannedStep<object>[],
    context: object,
    operation: OperationRecord,
    progress: OperationProgress,
  ): Promise<void> {
    // All of them end before anything is taken back: a step that still runs could put it there again.
    const results = await Promise.allSettled(stage.map((step) => runStep(step, context, operation, progress)))
    const failed = results.find((result) => result.status === 'rejected')
    if (failed) throw failed.reason
  }

  async function runStep(
    step: PlannedStep<object>,
    context: object,
    operation: OperationRecord,
    progress: OperationProgress,
  ): Promise<void> {
    progress.requireOwn()
    progress.mark(step.name, 'running')
    for (let attempt = 0; ; attempt += 1) {
      try {
        await options.failPoint?.(step.name, 'before')
        await step.run(context)
        await options.failPoint?.(step.name, 'after')
        progress.mark(step.name, 'done')
        return
      } catch (error) {
        progress.requireOwn()
        const pause = pauses[attempt]
        if (pause === undefined || !mayHelpToRepeat(error)) {
          progress.mark(step.name, 'failed')
          options.observe({
            kind: 'error',
            ref: operation.ref,
            code: isServiceError(error) ? error.code : 'system.unexpected',
            cause: error,
          })
          throw error
        }
        report(operation, step.name, 'running', String(error instanceof Error ? error.message : error))
        await sleep(pause)
      }
    }
  }

  /** Every step, also those that were never marked: the crash that brought us here may have come before the mark was written. */
  async function undo(
    plan: OperationPlan<object>,
    context: object,
    operation: OperationRecord,
    progress: OperationProgress,
    error: ShownError,
  ): Promise<void> {
    if (progress.status !== 'undoing') await progress.beginUndoing(error)
    for (const step of plan.stages.flat().reverse()) {
      progress.requireOwn()
      try {
        await options.failPoint?.(`undo.${step.name}`, 'before')
        await step.undo?.(context)
      } catch (cause) {
        options.observe({ kind: 'error', ref: operation.ref, code: 'system.unexpected', cause })
        if (operation.attempt < MAX_UNDO_ATTEMPTS) throw cause
      }
      const shown = progress.steps.find(({ name }) => name === step.name)
      if (shown && (shown.status === 'done' || shown.status === 'running')) progress.mark(step.name, 'undone')
    }
  }

  async function end(
    plan: OperationPlan<object>,
    operation: OperationRecord,
    progress: OperationProgress,
    error: ShownError,
  ): Promise<void> {
    await progress.end('failed', error, (tx) => plan.fail(tx, operation, error))
    report(operation, 'end', 'failed', error.message)
    await plan.ended?.(operation, false)
  }

  function report(operation: OperationRecord, step: string, status: Operation['status'], message?: string): void {
    const { id, ref, kind, attempt } = operation
    options.observe({ kind: 'operation', id, ref, operation: kind, step, status, attempt, message })
  }
}

/** A refusal stays one; anything else may have been the moment. */
function mayHelpToRepeat(error: unknown): boolean {
  return !(error instanceof ServiceError) || error.kind === 'unavailable' || error.kind === 'internal'
}

/** What people are told; the words of an unexpected error are for the log. */
function toShownError(error: unknown): ShownError {
  const known = error instanceof ServiceError ? error : new ServiceError('project.provisioning_failed')
  return { code: known.code, message: known.message }
}
