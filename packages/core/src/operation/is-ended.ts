import type { Operation } from './operation.ts'

/** Whether nothing more will happen to the operation. */
export function isEnded(operation: Pick<Operation, 'status'>): boolean {
  return operation.status === 'succeeded' || operation.status === 'failed'
}
