import { z } from 'zod'

export const runSqlSchema = z.strictObject({
  /** One script, as psql would send it: one transaction unless the SQL itself says otherwise. */
  sql: z
    .string()
    .min(1)
    .max(1_000_000)
    .refine((text) => text.isWellFormed() && !text.includes('\0'), 'has a NUL character or half of a surrogate pair'),
  /** Rows kept of each statement; the rest is counted, not kept. */
  maxRows: z.number().int().min(1).max(10_000).default(1000),
})

export type RunSql = z.infer<typeof runSqlSchema>

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

/** Where and why a run stopped; `line` and `column` count characters (not UTF-16 units) from 1. */
export const sqlFailureSchema = z.object({
  sqlState: z.string(),
  message: z.string(),
  detail: z.string().nullable(),
  hint: z.string().nullable(),
  line: z.number().int().nullable(),
  column: z.number().int().nullable(),
  /** Index into the submitted text as JavaScript and editors count (UTF-16 units, from 0). */
  offset: z.number().int().nullable(),
  /** The functions that it happened in, as Postgres tells it. */
  context: z.string().nullable(),
})

export type SqlFailure = z.infer<typeof sqlFailureSchema>

/** A run: the results of the statements before the failure (they are rolled back unless the SQL committed), and the failure. */
export const sqlRunSchema = z.object({
  results: sqlResultSchema.array(),
  notices: z.string().array(),
  failure: sqlFailureSchema.nullable(),
  durationMs: z.number(),
  /** How many statements of each command ended well, for example `{ "CREATE TABLE": 2, INSERT: 1 }`; counts those too whose results were not kept. */
  commands: z.record(z.string(), z.number().int()),
})

export type SqlRun = z.infer<typeof sqlRunSchema>
