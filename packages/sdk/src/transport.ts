import {
  createTRPCUntypedClient,
  httpBatchLink,
  httpLink,
  httpSubscriptionLink,
  splitLink,
  type HTTPHeaders,
  type TRPCUntypedClient,
} from '@trpc/client'
import type { AnyRouter } from '@trpc/server'
import { SdkError, toSdkError } from './sdk-error.ts'
import { toProcedureType } from './verbs.ts'

export interface ClientOptions {
  /** Where the installation is, for example `http://localhost:8000`; empty for a page that it serves itself. */
  url: string
  /** A personal access token (`plr_…`). Without one the browser's session cookie signs the calls. */
  token?: string
  fetch?: typeof fetch
  headers?: Record<string, string>
}

/** For one call. */
export interface CallOptions {
  signal?: AbortSignal
}

/** For one subscription. */
export interface WatchHandlers<Value> {
  onData: (value: Value) => void
  /** The subscription has ended with an error; without this handler errors go unheard. */
  onError?: (error: SdkError) => void
  onEnd?: () => void
}

/** Calls procedures by path, for example `projects.list`. */
export interface Transport {
  call(path: string, input: unknown, options?: CallOptions): Promise<unknown>
  watch(path: string, input: unknown, handlers: WatchHandlers<unknown>): { unsubscribe: () => void }
}

/** The server refuses larger batches. */
const MAX_BATCH = 10

export function createTransport({ url, token, fetch: customFetch, headers = {} }: ClientOptions): Transport {
  const send = customFetch ?? globalThis.fetch
  const endpoint = `${toBase(url)}/trpc`
  const http = {
    url: endpoint,
    headers: (): HTTPHeaders => (token === undefined ? headers : { ...headers, authorization: `Bearer ${token}` }),
    // A token and a cookie are never sent together.
    fetch: async (address: URL | Request | string, init?: object) =>
      requireJson(await send(address, { ...init, credentials: token === undefined ? 'same-origin' : 'omit' })),
  }
  // A batch is answered when its slowest call is, and what looks up a secret must cost a request each: neither shares one.
  const calls = splitLink<AnyRouter>({
    condition: ({ type, path }) => type === 'query' && !/^(?:wait|find)/.test(nameOf(path)),
    true: httpBatchLink<AnyRouter>({ ...http, maxItems: MAX_BATCH, maxURLLength: 8_000 }),
    false: httpLink<AnyRouter>(http),
  })
  const hasEventSource = typeof EventSource !== 'undefined'
  const client: TRPCUntypedClient<AnyRouter> = createTRPCUntypedClient<AnyRouter>({
    links: [
      hasEventSource
        ? splitLink<AnyRouter>({
            condition: ({ type }) => type === 'subscription',
            true: httpSubscriptionLink<AnyRouter, typeof EventSource>({ url: endpoint }),
            false: calls,
          })
        : calls,
    ],
  })
  return {
    async call(path, input, options = {}) {
      try {
        return await client[toProcedureType(nameOf(path)) === 'query' ? 'query' : 'mutation'](path, input, options)
      } catch (error) {
        throw toSdkError(error)
      }
    },
    watch(path, input, { onData, onError, onEnd }) {
      if (!hasEventSource) throw new SdkError('sdk.not_supported', 'Subscriptions need EventSource, which this runtime does not have.')
      const subscription = client.subscription(path, input, {
        onData: (value) => onData(isEnvelope(value) ? value.data : value),
        onError: (error) => onError?.(toSdkError(error)),
        onComplete: () => onEnd?.(),
      })
      return { unsubscribe: () => subscription.unsubscribe() }
    },
  }
}

/** Untyped subscriptions give events with an id (`tracked`) as an envelope. */
function isEnvelope(value: unknown): value is { id: string; data: unknown } {
  return typeof value === 'object' && value !== null && 'data' in value && 'id' in value && Object.keys(value).length === 2
}

/** A proxy's error page is not of the server's making, and tRPC would speak of its first character. */
function requireJson(response: Response): Response {
  if (response.headers.get('content-type')?.startsWith('application/json')) return response
  const { status } = response
  throw new SdkError('sdk.answer_invalid', `The answer (HTTP ${status}) is not one of Polder's; is this the right address?`, { status })
}

function nameOf(path: string): string {
  return path.slice(path.indexOf('.') + 1)
}

function toBase(url: string): string {
  if (url === '' || url === '/') return ''
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new SdkError('request.invalid', `Not the address of an installation: ${JSON.stringify(url)}; it starts with http:// or https://.`)
  }
  return url.replace(/\/+$/, '')
}
