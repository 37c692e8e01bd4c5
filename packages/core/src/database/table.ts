import { z } from 'zod'
import { cellSchema } from './sql.ts'

/** A name in Postgres: at most 63 bytes, so also at most 63 characters. */
const identifierSchema = z
  .string()
  .min(1)
  .max(63)
  .refine((text) => text.isWellFormed() && !text.includes('\0'), 'cannot be a name')

export const columnSchema = z.object({
  name: z.string(),
  type: z.string(),
  isNullable: z.boolean(),
  isPrimaryKey: z.boolean(),
  isGenerated: z.boolean(),
  defaultExpression: z.string().nullable(),
  /** The column that it refers to, for a foreign key of one column. */
  references: z.object({ schema: z.string(), table: z.string(), column: z.string() }).nullable(),
})

/** A table or view as lists show it. */
export const tableSchema = z.object({
  schema: z.string(),
  name: z.string(),
  kind: z.enum(['table', 'view', 'materialized_view', 'partitioned_table', 'foreign_table']),
  /** The planner's estimate; null when it never looked. */
  estimatedRows: z.number().nullable(),
  bytes: z.number(),
  hasRowSecurity: z.boolean(),
  comment: z.string().nullable(),
  columns: columnSchema.array(),
})

export type Table = z.infer<typeof tableSchema>

/** Without a schema: those of all schemas that are not Postgres' or the platform's own. */
export const listTablesSchema = z.strictObject({ schema: identifierSchema.optional() })

/** A schema of a project's database; `isPlatform` marks those that the platform owns (auth, storage …). */
export const schemaSchema = z.object({ name: z.string(), isPlatform: z.boolean() })

export type Schema = z.infer<typeof schemaSchema>

export const listRowsSchema = z.strictObject({
  schema: identifierSchema,
  table: identifierSchema,
  limit: z.number().int().min(1).max(1000).default(100),
  offset: z.number().int().min(0).max(1_000_000_000).default(0),
  orderBy: z.strictObject({ column: identifierSchema, descending: z.boolean().default(false) }).optional(),
})

/** One page of a table; `total` is exact below 100,000 rows, else the planner's estimate. */
export const rowPageSchema = z.object({
  columns: z.object({ name: z.string(), type: z.string() }).array(),
  rows: cellSchema.array().array(),
  /** Cells that hold only the beginning of their value, by place in `rows`. */
  cutCells: z.object({ row: z.number().int(), column: z.number().int() }).array(),
  total: z.number(),
  isTotalExact: z.boolean(),
})

export type RowPage = z.infer<typeof rowPageSchema>

export const databaseSizeSchema = z.object({ bytes: z.number() })

export type ListTables = z.infer<typeof listTablesSchema>
export type ListRows = z.infer<typeof listRowsSchema>
export type DatabaseSize = z.infer<typeof databaseSizeSchema>
