export interface StatusLook {
  label: string
  kind: 'good' | 'accent' | 'warn' | 'danger' | 'neutral'
  /** Something is going on; it will change by itself. */
  isMoving: boolean
}

const LOOKS: Record<string, StatusLook> = {
  provisioning: { label: 'Being created', kind: 'accent', isMoving: true },
  starting: { label: 'Starting', kind: 'accent', isMoving: true },
  active: { label: 'Active', kind: 'good', isMoving: false },
  pausing: { label: 'Pausing', kind: 'warn', isMoving: true },
  paused: { label: 'Paused', kind: 'neutral', isMoving: false },
  resuming: { label: 'Resuming', kind: 'accent', isMoving: true },
  restoring: { label: 'Restoring', kind: 'accent', isMoving: true },
  moving: { label: 'Moving', kind: 'accent', isMoving: true },
  deleting: { label: 'Being deleted', kind: 'warn', isMoving: true },
  failed: { label: 'Failed', kind: 'danger', isMoving: false },
}

/** How a project's status looks everywhere. */
export function toStatusLook(status: string): StatusLook {
  return LOOKS[status] ?? { label: status, kind: 'neutral', isMoving: false }
}
