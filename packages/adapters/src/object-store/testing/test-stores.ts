import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import S3rver from 's3rver'
import { openObjectStore, type ObjectStoreSettings } from '../open-object-store.ts'
import type { ObjectStore } from '../object-store.ts'

/** A store of a kind on an empty folder, which is removed on dispose. */
export interface TestStore extends AsyncDisposable {
  store: ObjectStore
  settings: ObjectStoreSettings
  folder: string
}

/** Opens one: files in a folder, or a bucket of an S3 server that keeps its files there. */
export async function openTestStore(kind: ObjectStore['kind']): Promise<TestStore> {
  const folder = await mkdtemp(path.join(tmpdir(), 'polder-store-'))
  const remove = () => rm(folder, { recursive: true, force: true })
  if (kind === 'disk') {
    const settings: ObjectStoreSettings = { kind, folder }
    return { store: await openObjectStore(settings), settings, folder, [Symbol.asyncDispose]: remove }
  }
  const port = await findPort()
  const server = new S3rver({
    port,
    address: '127.0.0.1',
    silent: true,
    directory: folder,
    configureBuckets: [{ name: 'files', configs: [] }],
  })
  await server.run()
  const settings: ObjectStoreSettings = {
    kind,
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    bucket: 'files',
    accessKeyId: 'S3RVER',
    secretAccessKey: 'S3RVER',
  }
  return {
    store: await openObjectStore(settings),
    settings,
    folder,
    async [Symbol.asyncDispose]() {
      // Kept-alive connections would hold it open.
      server.httpServer.closeAllConnections()
      await server.close()
      await remove()
    },
  }
}

function findPort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo
      probe.close(() => resolve(port))
    })
  })
}
