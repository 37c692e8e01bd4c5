import { readFileSync } from 'node:fs'
import path from 'node:path'
import { createClient } from '@polder/sdk'
import { findFreePort, makeFolder, removeFolder, startServer, type RunningServer } from '@polder/tooling/server'

/** A server of the bench's own, on an empty folder, and an account that may do everything. */
export interface BenchServer extends AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly postgresPort: number
  readonly folder: string
  readonly polder: Polder
  readonly organizationId: string
  /** The dashboard's session cookie of that account. */
  readonly cookie: string
  /** The server process and every Postgres process, as process ids. */
  processes(): number[]
  restart(): Promise<number>
}

export type Polder = ReturnType<typeof createClient>

export interface BenchApp {
  ref: string
  url: string
  anonKey: string
}

/** Starts it with the README's command; `environment` are settings of the server. */
export async function openBenchServer(environment: Record<string, string> = {}): Promise<BenchServer> {
  const folder = await makeFolder()
  const options = { folder, port: await findFreePort(), postgresPort: await findFreePort(), environment }
  let server: RunningServer = await startServer(options)
  const { token, cookie } = await signUp(server.url)
  const polder = createClient({ url: server.url, token })
  const [organization] = await polder.organizations.list()
  return {
    url: server.url,
    port: options.port,
    postgresPort: options.postgresPort,
    folder,
    polder,
    organizationId: organization!.id,
    cookie,
    processes: () => [...descendants(server.process.pid!).filter(isServer), ...postgresProcesses(folder)],
    async restart() {
      await server.stop()
      const start = performance.now()
      server = await startServer(options)
      return performance.now() - start
    },
    async [Symbol.asyncDispose]() {
      await server.stop()
      await removeFolder(folder)
    },
  }
}

/** Creates a project and waits until it is active. */
export async function createApp({ polder, organizationId }: BenchServer, name: string): Promise<BenchApp> {
  const { project, operation } = await polder.projects.create({ organizationId, name })
  const ended = await polder.waitForOperation(operation.id)
  if (ended.status !== 'succeeded') throw new Error(`creating ${name}: ${JSON.stringify(ended.error)}`)
  const connection = await polder.project(project.ref).projects.getConnection()
  return { ref: project.ref, url: connection.url, anonKey: connection.anonKey }
}

async function signUp(url: string): Promise<{ token: string; cookie: string }> {
  const headers = { 'content-type': 'application/json', origin: url }
  const signedUp = await fetch(`${url}/trpc/account.signUp`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ email: 'bench@polder.test', password: 'a long enough password' }),
  })
  const cookie = signedUp.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ')
  const made = await fetch(`${url}/trpc/account.createToken`, {
    method: 'POST',
    headers: { ...headers, cookie },
    body: JSON.stringify({ name: 'bench', access: 'write' }),
  })
  const { result } = (await made.json()) as { result: { data: { token: string } } }
  return { token: result.data.token, cookie }
}

function children(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)
  } catch {
    return []
  }
}

const descendants = (pid: number): number[] => children(pid).flatMap((child) => [child, ...descendants(child)])

const isServer = (pid: number) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('apps/server/src/main.ts')

function postgresProcesses(folder: string): number[] {
  const postmaster = Number(readFileSync(path.join(folder, 'postgres/data/postmaster.pid'), 'utf8').split('\n')[0])
  return [postmaster, ...descendants(postmaster)]
}

/** Memory that only these processes have plus their share of what they have in common (Pss), in bytes. */
export function memoryOf(pids: number[]): number {
  let kilobytes = 0
  for (const pid of pids) {
    try {
      kilobytes += Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0)
    } catch {
      // it ended between the listing and the reading
    }
  }
  return kilobytes * 1024
}
