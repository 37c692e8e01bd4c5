import { z } from 'zod'

export const runSqlSchema = z.strictObject({
  sql: z.string().min(1).max(1_000_000),
  /** Rows kept of each statement; the rest is counted, not kept. */
  maxRows: z.number().int().min(1).max(10_000).default(1000),
})

/** One value as Postgres prints it (text format); null is NULL. */
export const cellSchema = z.string().nullable()

export const sqlColumnSchema = z.object({ name: z.string(), type: z.string() })

/** What one statement of a run gave. */
export const sqlResultSchema = z.object({
  /** For example `SELECT 3` or `CREATE TABLE`. */
  command: z.string(),
  columns: sqlColumnSchema.array(),
  rows: cellSchema.array().array(),
  /** Rows that the statement gave or changed; more than `rows` has when it was cut. */
  rowCount: z.number().int(),
  isTruncated: z.boolean(),
})

export type SqlResult = z.infer<typeof sqlResultSchema>

/** Where and why a run stopped; `line` and `column` count from 1. */
export const sqlFailureSchema = z.object({
  sqlState: z.string(),
  message: z.string(),
  detail: z.string().nullable(),
  hint: z.string().nullable(),
  line: z.number().int().nullable(),
  column: z.number().int().nullable(),
})

/** A run: the results of the statements before the failure (they are rolled back unless the SQL committed), and the failure. */
export const sqlRunSchema = z.object({ results: sqlResultSchema.array(), notices: z.string().array(), failure: sqlFailureSchema.nullable(), durationMs: z.number() })

export type SqlRun = z.infer<typeof sqlRunSchema>
