import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createProjectSchema, isProjectRef, listUsersSchema, projectRefSchema } from '@polder/core'
import { initTRPC, TRPCError } from '@trpc/server'
import { createHTTPHandler } from '@trpc/server/adapters/standalone'
import type { ApiOf } from '../api-of.ts'

interface StubContext {
  waited: { count: number }
}

const t = initTRPC.context<StubContext>().create({
  errorFormatter: ({ shape, error }) => ({
    ...shape,
    data: {
      code: error.code,
      httpStatus: shape.data.httpStatus,
      serviceCode: error.cause?.message ?? 'request.invalid',
      details: { path: shape.data.path },
      hint: 'Look again.',
      requestId: 'request-1',
    },
  }),
})

/** A check in place of a schema: this package has no schema library. */
const take = <Shape>(check: (value: Record<string, unknown>) => boolean) => {
  return (value: unknown): Shape => {
    if (typeof value === 'object' && value !== null && check(value as Record<string, unknown>)) return value as Shape
    throw new Error('wrong input')
  }
}

const bound = take<{ projectRef: string }>(({ projectRef }) => isProjectRef(projectRef))
const operation = (status: string) => ({
  id: 'o',
  status,
  error: status === 'failed' ? { code: 'project.provisioning_failed', message: 'Undone.' } : null,
})

const stubRouter = t.router({
  projects: t.router({
    list: t.procedure
      .input(take<{ organizationId?: string }>(() => true))
      .query(() => [{ ref: projectRefSchema.parse('alpha'), createdAt: new Date(0), status: 'active' as 'active' | 'failed' }]),
    get: t.procedure.input(bound).query(({ input }) => {
      if (input.projectRef === 'missing')
        throw new TRPCError({ code: 'NOT_FOUND', message: 'There is no such project.', cause: new Error('project.not_found') })
      return { ref: input.projectRef, name: 'Alpha' }
    }),
    getConnection: t.procedure
      .input(bound)
      .query(({ input }) => ({ ref: input.projectRef, url: `http://localhost/projects/${input.projectRef}` })),
    create: t.procedure
      .input(createProjectSchema)
      .mutation(({ input }) => ({ project: { ref: input.name }, operation: { id: input.name === 'broken' ? 'failing' : 'o' } })),
    rename: t.procedure.input(take<{ projectRef: string; name: string }>(() => true)).mutation(({ input }) => input),
  }),
  auth: t.router({
    listUsers: t.procedure
      .input(bound)
      .input(listUsersSchema.partial().loose())
      .query(({ input }) => ({ ref: input.projectRef, page: input.page ?? 1 })),
  }),
  operations: t.router({
    wait: t.procedure
      .input(take<{ operationId: string; timeoutMs: number }>(({ timeoutMs }) => typeof timeoutMs === 'number'))
      .query(({ input, ctx }) => {
        ctx.waited.count++
        if (input.operationId === 'failing') return operation('failed')
        return operation(input.operationId === 'endless' || ctx.waited.count < 3 ? 'running' : 'succeeded')
      }),
  }),
})

export type StubApi = ApiOf<typeof stubRouter>

export interface SeenRequest {
  method: string
  url: string
  headers: IncomingMessage['headers']
}

/** A server that speaks tRPC as ours does, with a handful of procedures; notes every request. */
export async function openStubServer(): Promise<{ url: string; seen: SeenRequest[] } & AsyncDisposable> {
  const seen: SeenRequest[] = []
  const waited = { count: 0 }
  const handle = createHTTPHandler({ router: stubRouter, basePath: '/trpc/', createContext: () => ({ waited }) })
  const server = createServer((request, response) => {
    seen.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers })
    if (request.url?.startsWith('/broken')) response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>Bad gateway</h1>')
    else if (request.url?.startsWith('/silent')) return
    else handle(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
