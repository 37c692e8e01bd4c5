import type { Operation, OperationKind, OperationStep } from '@polder/core'
import { sql } from 'kysely'
import type { PlatformDatabase } from './platform-database.ts'

const COLUMNS = [
  'id',
  'kind',
  'ref',
  'status',
  'steps',
  'attempt',
  'error',
  'created_at as createdAt',
  'finished_at as finishedAt',
  'organization_id as organizationId',
  'account_id as accountId',
  'input',
] as const

/** An operation with what only the server needs of it. */
export interface OperationRecord extends Operation {
  organizationId: string | null
  accountId: string | null
  input: Record<string, unknown>
}

export interface NewOperation {
  kind: OperationKind
  ref: string
  organizationId: string
  accountId: string
  steps: readonly OperationStep[]
  input?: Record<string, unknown>
}

/** What a run of an operation writes down as it goes. */
export interface OperationProgress {
  status: Operation['status']
  steps: readonly OperationStep[]
  error?: { code: string; message: string } | null
}

type Row = Omit<OperationRecord, 'steps'> & { steps: OperationStep[] }

const toDate = (value: Date | string | null) => (value === null ? null : new Date(value))

// Times inside a JSON column come back as text.
const toRecord = (row: Row): OperationRecord => ({
  ...row,
  steps: row.steps.map((step) => ({ ...step, startedAt: toDate(step.startedAt), finishedAt: toDate(step.finishedAt) })),
})

/** Adds an operation and, in the same statement, the job that runs it: neither is ever there without the other. */
export async function insertOperation(tx: PlatformDatabase, operation: NewOperation): Promise<OperationRecord> {
  const row = await tx
    .with('made', (build) =>
      build
        .insertInto('operations')
        .values({
          kind: operation.kind,
          ref: operation.ref,
          organization_id: operation.organizationId,
          account_id: operation.accountId,
          steps: JSON.stringify(operation.steps),
          input: JSON.stringify(operation.input ?? {}),
        })
        .returningAll(),
    )
    .selectFrom('made')
    .select(COLUMNS)
    .select(
      sql`graphile_worker.add_job('operation', json_build_object('id', made.id), job_key := made.id::text, max_attempts := 25)`.as('job'),
    )
    .executeTakeFirstOrThrow()
  const { job: _job, ...record } = row
  return toRecord(record)
}

/** One operation. */
export async function selectOperation(tx: PlatformDatabase, id: string): Promise<OperationRecord | undefined> {
  const row = await tx.selectFrom('operations').select(COLUMNS).where('id', '=', id).executeTakeFirst()
  return row && toRecord(row)
}

/** The operations of a project, the newest first. */
export async function selectOperationsOfProject(tx: PlatformDatabase, ref: string, limit = 50): Promise<OperationRecord[]> {
  const rows = await tx.selectFrom('operations').select(COLUMNS).where('ref', '=', ref).orderBy('created_at', 'desc').limit(limit).execute()
  return rows.map(toRecord)
}

/** The project's newest operation. */
export async function selectLatestOperation(tx: PlatformDatabase, ref: string): Promise<OperationRecord | undefined> {
  return (await selectOperationsOfProject(tx, ref, 1))[0]
}

/** Whether an operation of the project has not ended. */
export async function hasOpenOperation(tx: PlatformDatabase, ref: string): Promise<boolean> {
  const row = await tx
    .selectFrom('operations')
    .select('id')
    .where('ref', '=', ref)
    .where('status', 'in', ['queued', 'running', 'undoing'])
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

/**
 * Begins a run of an operation: counts the attempt, which from now on is the only one whose progress is taken.
 * Undefined when the operation is not there or has ended.
 */
export async function claimOperation(tx: PlatformDatabase, id: string): Promise<OperationRecord | undefined> {
  const row = await tx
    .updateTable('operations')
    .set((update) => ({
      attempt: update('attempt', '+', 1),
      status: sql<'running'>`case status when 'queued' then 'running' else status end`,
      updated_at: sql<Date>`now()`,
    }))
    .where('id', '=', id)
    .where('status', 'in', ['queued', 'running', 'undoing'])
    .returning(COLUMNS)
    .executeTakeFirst()
  return row && toRecord(row)
}

/** Writes down how far a run has come; false when a later attempt has taken over, and this one must stop. */
export async function updateOperationProgress(
  tx: PlatformDatabase,
  run: { id: string; attempt: number },
  progress: OperationProgress,
): Promise<boolean> {
  const isEnd = progress.status === 'succeeded' || progress.status === 'failed'
  const row = await tx
    .updateTable('operations')
    .set({
      status: progress.status,
      steps: JSON.stringify(progress.steps),
      error: progress.error ? JSON.stringify(progress.error) : null,
      updated_at: sql<Date>`now()`,
      ...(isEnd ? { finished_at: sql<Date>`now()` } : {}),
    })
    .where('id', '=', run.id)
    .where('attempt', '=', run.attempt)
    .where('finished_at', 'is', null)
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}
