import { ServiceError } from '@polder/core'
import type { OutgoingAgents } from '../../outgoing/index.ts'

/** Modules by URL, fetched when a function is deployed and only from public addresses. */
export interface RemoteModules {
  /** Throws `functions.bundle_failed` with the reason. */
  read(url: string): Promise<{ url: string; code: string; isTypeScript: boolean }>
}

const MAX_BYTES = 4 * 1024 * 1024
const MAX_REDIRECTS = 5
const TIMEOUT_MS = 10_000
const MAX_KEPT = 500

export function createRemoteModules(agents: OutgoingAgents): RemoteModules {
  const kept = new Map<string, Promise<{ url: string; code: string; isTypeScript: boolean }>>()

  async function fetchOne(start: string) {
    let url = new URL(start)
    for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
      if (url.protocol !== 'https:') throw failed(start, 'only https addresses can be imported')
      const { dispatcher } = await agents.open(url)
      const answer = await dispatcher.request({
        origin: url.origin,
        path: url.pathname + url.search,
        method: 'GET',
        // As Deno asks: some servers answer differently for it.
        headers: { 'user-agent': 'Deno/2.9.6', accept: '*/*' },
        signal: AbortSignal.timeout(TIMEOUT_MS),
      })
      const { location } = answer.headers
      if (answer.statusCode >= 300 && answer.statusCode < 400 && typeof location === 'string') {
        await answer.body.dump()
        url = new URL(location, url)
        continue
      }
      if (answer.statusCode !== 200) {
        await answer.body.dump()
        throw failed(start, `the server answers ${answer.statusCode}`)
      }
      const code = await readText(answer.body, start)
      const type = String(answer.headers['content-type'] ?? '')
      return { url: url.href, code, isTypeScript: /typescript/.test(type) || /\.m?tsx?$/.test(url.pathname) }
    }
    throw failed(start, 'there are too many redirections')
  }

  return {
    read(url) {
      let found = kept.get(url)
      if (found === undefined) {
        found = fetchOne(url).catch((error: unknown) => {
          kept.delete(url)
          if (error instanceof ServiceError && error.code === 'functions.bundle_failed') throw error
          throw failed(url, error instanceof ServiceError ? error.message : 'the server does not answer', error)
        })
        if (kept.size >= MAX_KEPT) kept.delete(kept.keys().next().value as string)
        kept.set(url, found)
      }
      return found
    },
  }
}

async function readText(body: AsyncIterable<Buffer>, url: string): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    if (length > MAX_BYTES) throw failed(url, 'it is larger than 4 MB')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function failed(url: string, reason: string, cause?: unknown): ServiceError {
  return new ServiceError('functions.bundle_failed', { message: `${url} cannot be imported: ${reason}.`, cause })
}
