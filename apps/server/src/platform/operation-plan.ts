import type { OperationKind, OperationStep } from '@polder/core'
import type { OperationRecord, PlatformDatabase } from '@polder/db'

/** One step of an operation. Both ways can be repeated, and continue what an interrupted call left. */
export interface PlannedStep<Context> {
  name: string
  /** What it does, for people. */
  title: string
  run(context: Context): Promise<void>
  /** Takes back what `run` did, also if it did nothing or half of it. */
  undo?(context: Context): Promise<void>
}

/** How an operation of one kind is done. */
export interface OperationPlan<Context> {
  kind: OperationKind
  /** One after the other; the steps of a stage run side by side. */
  stages: readonly (readonly PlannedStep<Context>[])[]
  /** Whether a failure takes everything back; otherwise what was done stays done. */
  isUndone: boolean
  /** What the steps share; read anew at every run. Undefined when there is nothing left to do anything to. */
  open(operation: OperationRecord): Promise<Context | undefined>
  /** Part of the transaction that ends the operation well. */
  succeed(tx: PlatformDatabase, context: Context, operation: OperationRecord): Promise<void>
  /** Part of the transaction that ends it badly. */
  fail(tx: PlatformDatabase, operation: OperationRecord, error: { code: string; message: string }): Promise<void>
  /** Tells other parts, after the end was committed. */
  ended?(operation: OperationRecord, isSuccess: boolean): Promise<void>
}

/** The plan's steps as a new operation shows them. */
export function toPendingSteps<Context>(plan: Pick<OperationPlan<Context>, 'stages'>): OperationStep[] {
  return plan.stages.flat().map(({ name, title }) => ({ name, title, status: 'pending', startedAt: null, finishedAt: null }))
}
