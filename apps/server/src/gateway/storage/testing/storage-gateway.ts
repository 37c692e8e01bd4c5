import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { openObjectStore, type ObjectStore } from '@polder/adapters/object-store'
import { createStorageAdapter, type StorageAdapter, type UsageMeter } from '@polder/adapters/storage'
import type { Observation } from '@polder/core'
import { openTestCluster, type TestCluster, type TestProject } from '@polder/db/testing'
import fastify, { type FastifyInstance } from 'fastify'
import { gateway } from '../../gateway.ts'

/** The gateway with the storage service alone, on a real socket. */
export interface StorageGateway extends AsyncDisposable {
  app: FastifyInstance
  cluster: TestCluster
  alpha: TestProject
  beta: TestProject
  storage: StorageAdapter
  objects: ObjectStore
  folder: string
  observed: Observation[]
  origin: string
  /** A request to a project's storage; `role` says with which key. */
  call(project: TestProject, method: string, path: string, options?: CallOptions): Promise<Response>
}

export interface CallOptions {
  role?: 'anon' | 'service_role' | 'none'
  token?: string
  body?: string | Uint8Array | ReadableStream | FormData | object
  headers?: Record<string, string>
}

export interface StorageGatewayOptions {
  objects?: ObjectStore
  usage?: UsageMeter
  /** Serves the same projects and files, as another process would. */
  beside?: StorageGateway
}

export async function openStorageGateway(options: StorageGatewayOptions = {}): Promise<StorageGateway> {
  const { beside } = options
  const cluster = beside?.cluster ?? (await openTestCluster())
  const alpha = beside?.alpha ?? (await cluster.createProject())
  const beta = beside?.beta ?? (await cluster.createProject())
  const folder = await mkdtemp(path.join(tmpdir(), 'polder-gateway-'))
  const objects = options.objects ?? beside?.objects ?? (await openObjectStore({ kind: 'disk', folder }))
  const observed: Observation[] = []
  const observe = (observation: Observation) => void observed.push(observation)
  const storage = createStorageAdapter({ objects, observe, ...(options.usage && { usage: options.usage }) })
  const app = fastify({ bodyLimit: 1 << 20, routerOptions: { maxParamLength: 4096 }, serverFactory: (handler) => createServer(handler) })
  const adapters = { auth: {}, rest: {}, storage } as unknown as Parameters<typeof gateway>[1]['adapters']
  const limits = { requestsPerProject: 1000, requestsTotal: 1000 }
  await app.register(gateway, { router: cluster.router, adapters, version: '0.0.0', observe, limits } as Parameters<typeof gateway>[1])
  await app.listen({ port: 0, host: '127.0.0.1' })
  const origin = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`

  return {
    app,
    cluster,
    alpha,
    beta,
    storage,
    objects,
    folder,
    observed,
    origin,
    call(project, method, route, { role = 'service_role', token, body, headers = {} } = {}) {
      const key = role === 'none' ? undefined : role === 'anon' ? project.keys.anonKey : project.keys.serviceRoleKey
      const bearer = token ?? key
      const isJson = body !== undefined && Object.getPrototypeOf(body) === Object.prototype
      return fetch(`${origin}/projects/${project.ref}/storage/v1${route}`, {
        method,
        headers: {
          ...(key !== undefined && { apikey: key }),
          ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
          ...(isJson && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: isJson ? JSON.stringify(body) : (body as string), duplex: 'half' }),
      } as RequestInit)
    },
    async [Symbol.asyncDispose]() {
      app.server.closeAllConnections()
      await app.close()
      if (!beside) await cluster[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
