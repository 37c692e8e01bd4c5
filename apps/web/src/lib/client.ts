import { createClient, type Client } from '@polder/sdk'

/** The SDK, on the installation that serves this page; the browser's session cookie signs its calls. */
export function openClient(send: typeof fetch): Client {
  return createClient({ url: '', fetch: send })
}
