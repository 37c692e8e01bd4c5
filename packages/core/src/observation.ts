/** Everything the system says about itself; `report.ts` of the server turns it into log lines and counters. */
export type Observation =
  | { kind: 'request'; requestId: string; method: string; path: string; status: number; durationMs: number; ref?: string; service?: string }
  | { kind: 'error'; requestId?: string; ref?: string; code: string; cause: unknown }
  | { kind: 'operation'; id: string; ref: string; operation: string; step: string; status: string; attempt: number; message?: string }
  | { kind: 'cluster'; event: 'starting' | 'adopted' | 'started' | 'stopped' | 'lost'; message: string }
  | { kind: 'pool'; event: 'connection_error' | 'exhausted'; ref: string; message: string }
  | { kind: 'server'; event: 'listening' | 'stopping' | 'warning'; message: string }

export type Observe = (observation: Observation) => void
