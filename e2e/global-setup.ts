import type { TestProject } from 'vitest/node'
import { findFreePort, makeFolder, removeFolder, startServer } from '@polder/tooling/server'

declare module 'vitest' {
  interface ProvidedContext {
    /** Base URL of the one server of the run, started with the README's command on an empty folder. */
    serverUrl: string
    serverFolder: string
  }
}

export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const folder = await makeFolder()
  const server = await startServer({ folder, port: await findFreePort(), postgresPort: await findFreePort() })
  project.provide('serverUrl', server.url)
  project.provide('serverFolder', folder)
  return async () => {
    await server.stop()
    await removeFolder(folder)
  }
}
