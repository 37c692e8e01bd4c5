import { accountRouter } from './routers/account.ts'
import { authRouter } from './routers/auth.ts'
import { databaseRouter } from './routers/database.ts'
import { functionsRouter } from './routers/functions.ts'
import { installationRouter } from './routers/installation.ts'
import { logsRouter } from './routers/logs.ts'
import { operationsRouter } from './routers/operations.ts'
import { organizationsRouter } from './routers/organizations.ts'
import { projectsRouter } from './routers/projects.ts'
import { restRouter } from './routers/rest.ts'
import { storageRouter } from './routers/storage.ts'
import { router } from './trpc.ts'

/** Everything that can be called at /trpc; the SDK and the dashboard see its type. */
export const appRouter = router({
  installation: installationRouter,
  account: accountRouter,
  organizations: organizationsRouter,
  projects: projectsRouter,
  operations: operationsRouter,
  auth: authRouter,
  functions: functionsRouter,
  rest: restRouter,
  storage: storageRouter,
  database: databaseRouter,
  logs: logsRouter,
})

export type AppRouter = typeof appRouter
