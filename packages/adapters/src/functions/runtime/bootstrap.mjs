// What a function process runs first, and the only file that it ever reads: it listens before it knows for whom, takes secrets and
// code over standard input, and gives functions the globals that they expect. Nothing here is a wall: the walls are the flags and
// the jail that this is started in.
import { AsyncLocalStorage } from 'node:async_hooks'
import process from 'node:process'
import { format, inspect } from 'node:util'

const [folder] = Deno.args
const current = new AsyncLocalStorage()
const functions = new Map()
const state = { environment: new Map(), origin: 'http://localhost', lastLoaded: undefined, pending: 0 }

const encoder = new TextEncoder()
const decoder = new TextDecoder()
const { stdin, stdout } = Deno
const serve = Deno.serve
const fetchDirectly = globalThis.fetch
const makeResponse = globalThis.Response
const SocketRequest = globalThis.Request
const MAX_LINE = 16_384

function tell(message) {
  // On a line of its own, whatever a function wrote there before.
  let bytes = encoder.encode(`\n\u0001${JSON.stringify(message)}\n`)
  while (bytes.length > 0) bytes = bytes.subarray(stdout.writeSync(bytes))
}

function log(level, args) {
  const context = current.getStore()
  let text
  try {
    text = format(...args)
  } catch (error) {
    text = `[a value that cannot be shown: ${error}]`
  }
  if (text.length > MAX_LINE) text = `${text.slice(0, MAX_LINE)}… (${text.length} characters)`
  tell({
    t: 'log',
    l: level,
    n: context?.name ?? state.lastLoaded?.name,
    v: context?.version ?? state.lastLoaded?.version,
    r: context?.requestId,
    m: text,
  })
}

const LEVELS = { log: 'info', info: 'info', debug: 'debug', warn: 'warn', error: 'error', trace: 'debug', dir: 'info' }
for (const [method, level] of Object.entries(LEVELS)) {
  console[method] = (...args) => log(level, method === 'dir' ? [inspect(args[0], args[1])] : args)
}
Object.assign(console, { assert: (condition, ...args) => condition || log('error', ['Assertion failed:', ...args]) })

const env = {
  get: (name) => state.environment.get(String(name)),
  set: (name, value) => void state.environment.set(String(name), String(value)),
  has: (name) => state.environment.has(String(name)),
  delete: (name) => void state.environment.delete(String(name)),
  toObject: () => Object.fromEntries(state.environment),
}
const nodeEnv = new Proxy(Object.create(null), {
  get: (_target, name) => (typeof name === 'string' ? state.environment.get(name) : undefined),
  set: (_target, name, value) => (env.set(name, value), true),
  has: (_target, name) => state.environment.has(name),
  deleteProperty: (_target, name) => (state.environment.delete(name), true),
  ownKeys: () => [...state.environment.keys()],
  getOwnPropertyDescriptor: (_target, name) =>
    state.environment.has(name) ? { value: state.environment.get(name), writable: true, enumerable: true, configurable: true } : undefined,
})

function findHandler(args) {
  for (const each of args) {
    if (typeof each === 'function') return each
    if (typeof each?.handler === 'function') return each.handler.bind(each)
    if (typeof each?.fetch === 'function') return each.fetch.bind(each)
  }
  return undefined
}

/** Deno's own takes a port; here every function is asked through the one socket. */
function serveHere(...args) {
  const handler = findHandler(args)
  if (!handler) throw new TypeError('A handler function must be provided.')
  const own = current.getStore() ?? state.lastLoaded
  if (own) own.entry.handler = handler
  const onError = args.find((each) => typeof each?.onError === 'function')?.onError
  if (own && onError) own.entry.onError = onError
  const finished = new Promise(() => {})
  return {
    finished,
    addr: { transport: 'tcp', hostname: '0.0.0.0', port: 8000 },
    shutdown: async () => {},
    ref() {},
    unref() {},
    [Symbol.asyncDispose]: async () => {},
  }
}

const noUpgrade = () => {
  throw new TypeError('Connection Upgrade is not supported')
}
for (const [name, value] of Object.entries({ env, serve: serveHere, upgradeWebSocket: noUpgrade, upgradeHttp: noUpgrade })) {
  Object.defineProperty(Deno, name, { value, enumerable: true, configurable: true, writable: true })
}
Object.defineProperty(process, 'env', { value: nodeEnv, enumerable: true, configurable: true, writable: true })
globalThis.EdgeRuntime = {
  /** Keeps the process for the work that goes on after the answer. */
  waitUntil(promise) {
    state.pending += 1
    tell({ t: 'pending', n: state.pending })
    Promise.resolve(promise)
      .catch((error) => log('error', [error]))
      .finally(() => {
        state.pending -= 1
        tell({ t: 'pending', n: state.pending })
      })
    return promise
  },
}

// Requests go to the platform by the one socket, which sends them on where that is allowed.
const client = Deno.createHttpClient({ proxy: { transport: 'unix', path: `${folder}/out.sock` } })
const SENSITIVE = ['authorization', 'cookie', 'proxy-authorization']

async function sendOne(request) {
  const headers = new Headers(request.headers)
  headers.set('x-egress-url', request.url)
  const { method, body, signal } = request
  const response = await fetchDirectly('http://egress.internal/', { method, headers, body, signal, redirect: 'manual', client })
  const refusal = response.headers.get('x-egress-refusal')
  if (refusal !== null) {
    const { message } = await response.json()
    throw new TypeError(`error sending request for url (${request.url}): ${message}`)
  }
  return response
}

globalThis.fetch = async function fetch(input, init) {
  let request = new Request(input, init)
  if (!/^https?:/.test(request.url)) {
    if (/^(?:blob|data):/.test(request.url)) return fetchDirectly(input, init)
    throw new TypeError(`Url scheme '${new URL(request.url).protocol.slice(0, -1)}' not supported`)
  }
  const body = init?.body instanceof ReadableStream ? undefined : init?.body
  for (let hops = 0; ; hops += 1) {
    const { url, redirect, method, headers, signal } = request
    const hadBody = request.body !== null
    const response = await sendOne(request)
    const location = response.headers.get('location')
    const isRedirect = [301, 302, 303, 307, 308].includes(response.status) && location !== null
    Object.defineProperties(response, { url: { value: url }, redirected: { value: hops > 0 } })
    if (!isRedirect || redirect === 'manual') return response
    await response.body?.cancel()
    if (redirect === 'error') throw new TypeError("Encountered redirect while redirect mode is set to 'error'")
    if (hops === 20) throw new TypeError('Maximum number of redirects (20) reached')
    const next = new URL(location, url)
    const nextHeaders = new Headers(headers)
    if (next.origin !== new URL(url).origin) for (const name of SENSITIVE) nextHeaders.delete(name)
    const becomesGet = (response.status === 303 && method !== 'HEAD') || (response.status < 303 && method === 'POST')
    if (becomesGet) for (const name of ['content-type', 'content-length']) nextHeaders.delete(name)
    if (hadBody && !becomesGet && body == null) throw new TypeError('A redirected request cannot send its stream again')
    request = new Request(next, {
      method: becomesGet ? 'GET' : method,
      headers: nextHeaders,
      body: hadBody && !becomesGet ? body : null,
      signal,
    })
  }
}

// The address that a request of Deno's own names is that of the socket: copies take the one that was put in its place.
const { clone } = SocketRequest.prototype
SocketRequest.prototype.clone = function () {
  const copy = clone.call(this)
  return Object.hasOwn(this, 'url') ? Object.defineProperty(copy, 'url', { value: this.url, enumerable: true, configurable: true }) : copy
}
globalThis.Request = class Request extends SocketRequest {
  constructor(input, init) {
    if (!(input instanceof SocketRequest) || !Object.hasOwn(input, 'url')) {
      super(input, init)
      return
    }
    const { method, headers, signal, redirect } = input
    const body = init?.body === undefined && method !== 'GET' && method !== 'HEAD' ? input.body : null
    super(input.url, { method, headers, signal, redirect, ...(body !== null && { body }), ...init })
  }
  static [Symbol.hasInstance](value) {
    return this === globalThis.Request ? value instanceof SocketRequest : Function.prototype[Symbol.hasInstance].call(this, value)
  }
}

addEventListener('unhandledrejection', (event) => {
  event.preventDefault()
  log('error', ['Uncaught (in promise)', event.reason])
})
addEventListener('error', (event) => {
  event.preventDefault()
  log('error', ['Uncaught', event.error ?? event.message])
})

async function answer(request, info) {
  const path = request.url.slice(request.url.indexOf('/', 12))
  const name = /^\/([^/?#]*)/.exec(path)[1]
  const entry = functions.get(name)
  if (!entry?.handler) return new makeResponse('no such function', { status: 404, headers: { 'x-relay-missing': 'true' } })
  // A new Request for each call would cost more than everything else together.
  Object.defineProperty(request, 'url', { value: state.origin + path, enumerable: true, configurable: true })
  const context = { name, version: entry.version, requestId: request.headers.get('sb-request-id'), entry }
  return current.run(context, async () => {
    try {
      const response = await entry.handler(request, info)
      if (response instanceof makeResponse) return response
      throw new TypeError('Return value from serve handler must be a response or a promise resolving to a response')
    } catch (error) {
      log('error', [error])
      if (entry.onError) return entry.onError(error)
      return new makeResponse('Internal Server Error', { status: 500, headers: { 'content-type': 'text/plain;charset=UTF-8' } })
    }
  })
}

async function load({ id, name, version }, code) {
  const entry = { version, handler: undefined, onError: undefined }
  state.lastLoaded = { name, version, entry }
  try {
    const url = URL.createObjectURL(new Blob([code], { type: 'text/javascript' }))
    const module = await current.run({ name, version, entry }, () => import(url))
    URL.revokeObjectURL(url)
    entry.handler ??= findHandler([module.default])
    if (!entry.handler) throw new TypeError('The module neither calls Deno.serve nor exports a handler as its default.')
    functions.set(name, entry)
    tell({ t: 'loaded', id })
  } catch (error) {
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    tell({ t: 'loaded', id, error: text.slice(0, 2000) })
  }
}

function obey(message, bytes) {
  if (message.t === 'load') return void load(message, bytes)
  if (message.t !== 'assign') return
  state.environment = new Map(Object.entries(message.env))
  state.origin = message.origin
}

async function* readMessages() {
  let buffer = new Uint8Array(0)
  let head
  for await (const chunk of stdin.readable) {
    const joined = new Uint8Array(buffer.length + chunk.length)
    joined.set(buffer)
    joined.set(chunk, buffer.length)
    buffer = joined
    for (;;) {
      if (head === undefined) {
        const end = buffer.indexOf(10)
        if (end < 0) break
        head = JSON.parse(decoder.decode(buffer.subarray(0, end)))
        buffer = buffer.subarray(end + 1)
      }
      const length = head.bytes ?? 0
      if (buffer.length < length) break
      yield [head, buffer.slice(0, length)]
      buffer = buffer.subarray(length)
      head = undefined
    }
  }
}

serve(
  {
    path: `${folder}/in.sock`,
    onListen: () => tell({ t: 'ready' }),
    onError: (error) => (log('error', [error]), new makeResponse('Internal Server Error', { status: 500 })),
  },
  answer,
)
for await (const [message, bytes] of readMessages()) obey(message, bytes)
// Whoever started this is gone.
Deno.exit(0)
