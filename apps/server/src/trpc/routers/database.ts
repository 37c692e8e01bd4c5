import {
  databaseSizeSchema,
  listRowsSchema,
  listTablesSchema,
  rowPageSchema,
  runSqlSchema,
  schemaSchema,
  sqlRunSchema,
  tableSchema,
} from '@polder/core'
import { runAuditedSql } from '../../platform/run-audited-sql.ts'
import { noInput, projectProcedure, router } from '../trpc.ts'

/** What there is in a project's database, and the SQL that people run on it. */
export const databaseRouter = router({
  listSchemas: projectProcedure('database.read')
    .input(noInput)
    .output(schemaSchema.array())
    .query(({ ctx }) => ctx.services.adapters.database.listSchemas(ctx.project)),

  listTables: projectProcedure('database.read')
    .input(listTablesSchema)
    .output(tableSchema.array())
    .query(({ ctx, input }) => ctx.services.adapters.database.listTables(ctx.project, input)),

  listRows: projectProcedure('database.read')
    .input(listRowsSchema)
    .output(rowPageSchema)
    .query(({ ctx, input }) => ctx.services.adapters.database.listRows(ctx.project, input)),

  getSize: projectProcedure('database.read')
    .input(noInput)
    .output(databaseSizeSchema)
    .query(({ ctx }) => ctx.services.adapters.database.getSize(ctx.project)),

  runSql: projectProcedure('database.execute')
    .input(runSqlSchema)
    .output(sqlRunSchema)
    .mutation(({ ctx, input }) => runAuditedSql(ctx.services, ctx.project, ctx.actor, input)),
})
