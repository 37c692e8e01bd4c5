// A process that is killed at one step of a deploy; run by deploy.db.test.ts, which says how in its standard input.
import path from 'node:path'
import { text } from 'node:stream/consumers'
import type { FunctionSource, ProjectRef } from '@polder/core'
import { createSecretBox, openPlatformDatabase, type ProjectScope } from '@polder/db'
import { createDiskObjectStore } from '../../object-store/index.ts'
import { createAddressGuard } from '../../outgoing/index.ts'
import { createFunctionsAdapter } from '../adapter.ts'
import type { DeployStep } from '../deploy-function.ts'

/** What the test wants to happen. */
export interface DyingDeployOrder {
  platform: Parameters<typeof openPlatformDatabase>[0]
  boxKey: string
  folder: string
  ref: string
  configuration: ProjectScope['configuration']
  source: FunctionSource
  dieAt: DeployStep
}

const order = JSON.parse(await text(process.stdin)) as DyingDeployOrder
const functions = createFunctionsAdapter({
  platform: openPlatformDatabase(order.platform).db,
  box: createSecretBox(Buffer.from(order.boxKey, 'base64')),
  announce: async () => {},
  isListening: () => true,
  objects: createDiskObjectStore({ folder: path.join(order.folder, 'projects') }),
  cacheFolder: path.join(order.folder, 'cache'),
  npm: { registry: 'http://127.0.0.1:9/', jsrRegistry: 'http://127.0.0.1:9/' },
  guard: createAddressGuard(),
  publicUrl: 'http://localhost:8000',
  ownAddress: () => ({ host: '127.0.0.1', port: 9 }),
  databaseAddress: async () => ({ host: '127.0.0.1', port: 9 }),
  processes: { warm: 0, max: 5 },
  observe: () => {},
  failPoint(step) {
    if (step === order.dieAt) process.kill(process.pid, 'SIGKILL')
  },
})
const project = { ref: order.ref as ProjectRef, configuration: order.configuration } as ProjectScope
await functions.deployFunction(project, { name: 'step', source: order.source, deployedBy: null })
