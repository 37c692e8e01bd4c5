import { mkdtemp, rm } from 'node:fs/promises'
import type { IncomingHttpHeaders } from 'node:http'
import os from 'node:os'
import path from 'node:path'
import type { Readable } from 'node:stream'
import type { FunctionSource, Observation } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import { openTestCluster, type TestCluster } from '@polder/db/testing'
import { createDiskObjectStore } from '../../object-store/index.ts'
import { createAddressGuard, type AddressGuardOptions } from '../../outgoing/index.ts'
import { createFunctionsAdapter, type FunctionsAdapter } from '../adapter.ts'
import type { FunctionsAdapterOptions } from '../function-parts.ts'

/** Functions of real projects, run by real processes. */
export interface TestFunctions extends AsyncDisposable {
  cluster: TestCluster
  functions: FunctionsAdapter
  folder: string
  observed: Observation[]
  /** Deploys one file, or several, as a function. */
  deploy(
    project: ProjectScope,
    name: string,
    source: string | Record<string, string>,
    more?: { verifyJwt?: boolean },
  ): ReturnType<FunctionsAdapter['deployFunction']>
  call(project: ProjectScope, name: string, options?: CallOptions): Promise<CallAnswer>
}

export interface CallOptions {
  method?: string
  path?: string
  headers?: Record<string, string>
  body?: string | Buffer | Readable
  signal?: AbortSignal
}

export interface CallAnswer {
  status: number
  headers: IncomingHttpHeaders
  body: string
  chunks: Buffer[]
  isAborted: boolean
}

export type TestFunctionsOptions = Partial<FunctionsAdapterOptions> & { guard?: never; addresses?: AddressGuardOptions }

export async function openTestFunctions({ addresses, ...more }: TestFunctionsOptions = {}): Promise<TestFunctions> {
  const cluster = await openTestCluster()
  const folder = await mkdtemp(path.join(os.tmpdir(), 'polder-functions-'))
  const observed: Observation[] = []
  const functions = createFunctionsAdapter({
    platform: cluster.platform,
    box: cluster.box,
    announce: async () => {},
    isListening: () => true,
    objects: createDiskObjectStore({ folder: path.join(folder, 'projects') }),
    cacheFolder: path.join(folder, 'cache'),
    npm: { registry: 'http://127.0.0.1:9/', jsrRegistry: 'http://127.0.0.1:9/' },
    publicUrl: cluster.publicUrl,
    ownAddress: () => ({ host: '127.0.0.1', port: 9 }),
    databaseAddress: async () => cluster.address,
    processes: { warm: 1, max: 50 },
    observe: (observation) => observed.push(observation),
    ...more,
    guard: createAddressGuard(addresses),
  })
  return {
    cluster,
    functions,
    folder,
    observed,
    deploy: (project, name, source, options = {}) =>
      functions.deployFunction(project, { name, source: toSource(source), deployedBy: null, ...options }),
    call: (project, name, options) => callOnce(functions, project, name, options),
    async [Symbol.asyncDispose]() {
      await functions.close()
      await cluster[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

export function toSource(source: string | Record<string, string>): FunctionSource {
  const files = typeof source === 'string' ? { 'index.ts': source } : source
  const list = Object.entries(files).map(([file, content]) => ({ path: file, content }))
  return { files: list, entrypoint: list[0]?.path ?? 'index.ts' }
}

const requests = { last: 0 }

async function callOnce(functions: FunctionsAdapter, project: ProjectScope, name: string, options: CallOptions = {}): Promise<CallAnswer> {
  const chunks: Buffer[] = []
  const answer: CallAnswer = { status: 0, headers: {}, body: '', chunks, isAborted: false }
  const requestId = `request-${(requests.last += 1)}`
  await functions.invokeFunction(project, name, {
    method: options.method ?? 'GET',
    path: options.path ?? '',
    headers: { host: 'localhost:8000', 'sb-request-id': requestId, ...options.headers },
    body: options.body ?? null,
    requestId,
    signal: options.signal,
    sink: {
      begin: (status, headers) => Object.assign(answer, { status, headers }),
      write: (chunk) => chunks.push(Buffer.from(chunk)) > 0,
      onDrain: () => {},
      end: () => {},
      abort: () => (answer.isAborted = true),
    },
  })
  answer.body = Buffer.concat(chunks).toString('utf8')
  return answer
}
