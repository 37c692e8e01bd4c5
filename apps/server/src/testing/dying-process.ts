// A server process that ends without a goodbye at one step of an operation; run by operations.db.test.ts, which says how in its
// standard input.
import path from 'node:path'
import { text } from 'node:stream/consumers'
import type { Actor } from '../platform/actor.ts'
import type { OpenCluster } from '../platform/open-cluster.ts'
import { loadConfig } from '../config.ts'
import { createServices } from '../services.ts'

/** What the test wants to happen. */
export interface DyingProcessOrder {
  cluster: Omit<OpenCluster, 'stop'>
  folder: string
  masterKey: string
  actor: Actor
  organizationId: string
  /** The project to delete; one is created when absent. */
  deletes?: { ref: string; name: string }
  dieAt: { step: string; moment: 'before' | 'after' }
  /** A step that fails for good, so that the undoing is reached. */
  failAt?: string
}

const order = JSON.parse(await text(process.stdin)) as DyingProcessOrder

const services = await createServices({
  config: loadConfig({ POLDER_WARM_DATABASES: '0' }),
  folder: {
    masterKey: Buffer.from(order.masterKey, 'base64'),
    projects: path.join(order.folder, 'projects'),
    projectFolder: (ref) => path.join(order.folder, 'projects', ref),
    cache: path.join(order.folder, 'cache'),
  },
  cluster: { ...order.cluster, stop: async () => {} },
  observe: () => {},
  failPoint(step, moment) {
    if (step === order.dieAt.step && moment === order.dieAt.moment) process.kill(process.pid, 'SIGKILL')
    if (step === order.failAt) throw new Error('failed on purpose')
  },
})
const { operation } = order.deletes
  ? { operation: await services.projects.delete(order.actor, order.deletes.ref, order.deletes.name) }
  : await services.projects.create(order.actor, { organizationId: order.organizationId, name: `dies at ${order.dieAt.step}` })
process.stdout.write(operation.ref)
