import { z } from 'zod'

/** Limits of a project's functions: what a runaway may cost before it is ended. */
export const functionsSettingsSchema = z.object({
  /** Memory of the project's one process, in MiB. */
  memoryMb: z.number().int().min(64).max(4096),
  /** How long a call may take to its first byte, and an answer to its last, in seconds. */
  wallClockSeconds: z.number().int().min(1).max(400),
  /** CPU time of one call, in milliseconds; waiting costs none. */
  cpuMs: z.number().int().min(100).max(60_000),
  /** Calls of one function at a time. */
  maxConcurrency: z.number().int().min(1).max(1000),
  /** Bytes of a call's body, in MiB. */
  maxBodyMb: z.number().int().min(1).max(500),
  /** Log lines kept of each second, in KiB; the rest is dropped with a mark. */
  logKbPerSecond: z.number().int().min(1).max(1024),
  /** After how many seconds without a call the process is stopped. */
  idleSeconds: z.number().int().min(1).max(3600),
})

export type FunctionsSettings = z.infer<typeof functionsSettingsSchema>

/** What a new project has: near what a hosted Supabase project has. */
export const DEFAULT_FUNCTIONS_SETTINGS: FunctionsSettings = {
  memoryMb: 256,
  wallClockSeconds: 150,
  cpuMs: 2000,
  maxConcurrency: 100,
  maxBodyMb: 20,
  logKbPerSecond: 64,
  idleSeconds: 60,
}
