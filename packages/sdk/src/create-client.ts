import { bindProject, bindServices } from './bind.ts'
import type { Client } from './client.ts'
import { createTransport, type ClientOptions } from './transport.ts'
import { createWaiting } from './waiting.ts'

/**
 * Opens an installation: `createClient({ url, token }).projects.list()`. Makes no call by itself.
 * Every method throws SdkError and nothing else.
 */
export function createClient(options: ClientOptions): Client {
  const transport = createTransport(options)
  const { waitForOperation, createAndWait } = createWaiting(transport)
  const own: Record<string, unknown> = {
    project: (ref: string) => bindProject(transport, ref),
    waitForOperation,
  }
  return bindServices(transport, own, { projects: { createAndWait } }) as Client
}
