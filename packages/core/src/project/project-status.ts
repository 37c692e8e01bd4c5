import { z } from 'zod'

/** Every state that a project can be in; see PROJECT_TRANSITIONS for the ways between them. */
export const projectStatusSchema = z.enum([
  'provisioning',
  'starting',
  'active',
  'pausing',
  'paused',
  'resuming',
  'restoring',
  'moving',
  'deleting',
  'failed',
])

export type ProjectStatus = z.infer<typeof projectStatusSchema>

/** The state machine: from each status, the statuses that may follow. A deleted project has no row any more. */
export const PROJECT_TRANSITIONS: Record<ProjectStatus, readonly ProjectStatus[]> = {
  provisioning: ['starting', 'failed', 'deleting'],
  starting: ['active', 'failed', 'deleting'],
  active: ['pausing', 'restoring', 'moving', 'deleting', 'failed'],
  pausing: ['paused', 'active', 'failed'],
  paused: ['resuming', 'restoring', 'moving', 'deleting'],
  resuming: ['active', 'paused', 'failed'],
  restoring: ['active', 'paused', 'failed'],
  moving: ['active', 'paused', 'failed'],
  deleting: ['failed'],
  failed: ['provisioning', 'active', 'deleting'],
}

/** Whether a project may go from one status to the other. */
export function mayBecome(from: ProjectStatus, to: ProjectStatus): boolean {
  return PROJECT_TRANSITIONS[from].includes(to)
}
