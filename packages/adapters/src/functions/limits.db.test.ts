import { setTimeout as sleep } from 'node:timers/promises'
import type { FunctionsSettings } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openTestFunctions, type TestFunctions } from './testing/test-functions.ts'

const SMALL: Partial<FunctionsSettings> = {
  memoryMb: 160,
  cpuMs: 300,
  wallClockSeconds: 2,
  maxConcurrency: 5,
  maxBodyMb: 1,
  logKbPerSecond: 16,
  idleSeconds: 1,
}
/** Runs what it is sent. */
const RUNNER = `Deno.serve(async (request) => {
  const AsyncFunction = (async () => {}).constructor
  const result = await new AsyncFunction('request', await request.text())(request)
  return result instanceof Response ? result : new Response(String(result))
})`

let stage: TestFunctions
let greedy: ProjectScope
let neighbour: ProjectScope

beforeAll(async () => {
  stage = await openTestFunctions({ processes: { warm: 2, max: 20 } })
  const open = async () => (await stage.cluster.createProject()).member('functions.write', 'owner')
  const [one, two] = [await open(), await open()]
  const { configuration } = one
  greedy = { ...one, configuration: { ...configuration, functions: { ...configuration.functions, ...SMALL } } }
  neighbour = two
  await stage.deploy(greedy, 'run', RUNNER)
  await stage.deploy(greedy, 'fine', `Deno.serve(() => new Response('fine'))`)
  await stage.deploy(neighbour, 'fine', `Deno.serve(() => new Response('fine'))`)
})
afterAll(() => stage?.[Symbol.asyncDispose]())

const run = (code: string) => stage.call(greedy, 'run', { method: 'POST', body: code })
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'answered',
    (error: { code?: string }) => error.code,
  )

/** What blocks a process is ended within half a second after its call was given up; calls until then may end with it. */
async function untilFine(): Promise<void> {
  const deadline = performance.now() + 3_000
  for (;;) {
    const answer = await stage.call(greedy, 'fine').catch((error: unknown) => error)
    if ((answer as { body?: string }).body === 'fine') return
    if (performance.now() > deadline) throw answer
  }
}

const OUT = ['functions.resource_limit', 'functions.crashed']
const MEMORY: [string, string][] = [
  ['objects', 'const all = []; for (;;) all.push({ a: new Array(100).fill(Math.random()) })'],
  ['strings', 'let text = "x".repeat(1000); const all = []; for (;;) { all.push(text + Math.random()); await 0 }'],
  ['buffers', 'const all = []; for (;;) { all.push(new Uint8Array(4_000_000).fill(1)); await new Promise((r) => setTimeout(r, 1)) }'],
  ['one large buffer', 'const all = new Uint8Array(1_500_000_000).fill(1); return all.length'],
  ['WebAssembly', 'const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536 }); for (;;) { memory.grow(256); new Uint8Array(memory.buffer).fill(1) }'],
  ['a map', 'const map = new Map(); for (let i = 0; ; i++) map.set(i, [i])'],
  ['a worker', `const code = 'const all = []; for (;;) all.push(new Uint8Array(1e6).fill(1))'; new Worker(URL.createObjectURL(new Blob([code])), { type: 'module' }); await new Promise(() => {})`],
  ['promises', 'const all = []; for (;;) all.push(new Promise(() => {}))'],
  ['text that grows', 'let s = "ab"; const all = []; for (;;) { s = (s + s).slice(0, 5_000_000); all.push(new TextEncoder().encode(s)) }'],
] // prettier-ignore
const CPU: [string, string][] = [
  ['a loop without end', 'for (;;);'],
  ['a loop of microtasks', 'for (;;) await 0'],
  ['an expression that backtracks', 'return /^(a+)+$/.test("a".repeat(40) + "b")'],
  ['workers that spin', `for (let i = 0; i < 3; i++) new Worker(URL.createObjectURL(new Blob(['for (;;);'])), { type: 'module' }); await new Promise(() => {})`],
  ['WebAssembly that spins', 'const bytes = new Uint8Array([0,97,115,109,1,0,0,0,1,4,1,96,0,0,3,2,1,0,7,5,1,1,102,0,0,10,9,1,7,0,3,64,12,0,11,11]); (await WebAssembly.instantiate(bytes)).instance.exports.f()'],
  ['parsing', 'const text = JSON.stringify(new Array(20000).fill({ a: 1 })); for (;;) JSON.parse(text)'],
] // prettier-ignore

describe('a runaway is ended, and costs nobody else: memory of', () => {
  test.each(MEMORY)('%s', async (_name, code) => {
    const [outcome, other] = await Promise.all([codeOf(run(code)), stage.call(neighbour, 'fine')])
    expect(OUT).toContain(outcome)
    expect(other.body).toBe('fine')
    expect((await stage.call(greedy, 'fine')).body).toBe('fine')
  })
})

describe('a runaway is ended, and costs nobody else: CPU time of', () => {
  test.each(CPU)('%s', async (_name, code) => {
    const started = performance.now()
    const [outcome, other] = await Promise.all([codeOf(run(code)), stage.call(neighbour, 'fine')])
    // On a machine that is busy its time is over before it has had its CPU time.
    expect(['functions.resource_limit', 'functions.timed_out']).toContain(outcome)
    expect(other.body).toBe('fine')
    // The limit is of CPU time, which comes slower on a machine that is busy.
    expect(performance.now() - started).toBeLessThan(10_000)
    await untilFine()
  })

  test('Atomics.wait, which uses none, until the time is over', async () => {
    expect(await codeOf(run('Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)'))).toMatch(
      /^functions\.(?:timed_out|crashed|resource_limit)$/,
    )
    await untilFine()
  })
})

describe('a call', () => {
  test('that never answers is given up, and the next one is answered', async () => {
    const started = performance.now()
    expect(await codeOf(run('await new Promise(() => {})'))).toBe('functions.timed_out')
    expect(performance.now() - started).toBeLessThan(3500)
    expect((await stage.call(greedy, 'fine')).body).toBe('fine')
  })

  test('ends an answer that never ends', async () => {
    const answer = await run(
      'return new Response(new ReadableStream({ pull: (c) => new Promise((r) => setTimeout(r, 100)).then(() => c.enqueue(new Uint8Array(10))) }))',
    )
    expect([answer.status, answer.isAborted]).toEqual([200, true])
  })

  test('with too long a body is refused', async () => {
    expect(await codeOf(stage.call(greedy, 'run', { method: 'POST', body: Buffer.alloc(1_100_000) }))).toBe('request.too_large')
  })

  test('beyond as many as run at a time is refused', async () => {
    const calls = await Promise.all(Array.from({ length: 8 }, () => codeOf(run('await new Promise((r) => setTimeout(r, 300)); return 1'))))
    expect(calls.filter((outcome) => outcome === 'functions.busy')).toHaveLength(3)
    expect(calls.filter((outcome) => outcome === 'answered')).toHaveLength(5)
  })

  test.each([
    ['ends the process', 'Deno.exit(0)'],
    ['ends it by node', 'process.exit(1)'],
    ['recurses without end', 'const f = () => f() + 1; return f()'],
    ['throws later', 'setTimeout(() => { throw new Error("later") }, 1); await new Promise((r) => setTimeout(r, 50)); return "alive"'],
    ['rejects what nobody catches', 'for (let i = 0; i < 100; i++) Promise.reject(new Error("nobody")); return "alive"'],
    ['closes what it listens on', 'try { Deno.close(3) } catch {} return "alive"'],
  ])('that %s leaves the next one alone', async (_name, code) => {
    await codeOf(run(code))
    expect((await stage.call(greedy, 'fine')).body).toBe('fine')
  })

  test('that writes without measure is cut, and says so', async () => {
    await codeOf(run('for (let i = 0; i < 3000; i++) console.log("x".repeat(200)); return 1'))
    await codeOf(run('for (let i = 0; i < 40; i++) Deno.stdout.writeSync(new Uint8Array(60_000).fill(120)); return 1'))
    await sleep(1100)
    await codeOf(run('console.log("after"); return 1'))
    await sleep(100)
    const lines = stage.functions.listLogs(greedy, { limit: 500 })
    expect(lines.some(({ message, source }) => source === 'platform' && /bytes of log lines were dropped/.test(message))).toBe(true)
    expect(lines.at(-1)?.message).toBe('after')
    expect(lines.reduce((sum, { message }) => sum + message.length, 0)).toBeLessThan(200_000)
  })
})

test('a process that nobody calls is stopped, and its memory is back', async () => {
  await stage.call(greedy, 'fine')
  expect(stage.functions.listRunning()).toContain(greedy.ref)
  const deadline = performance.now() + 5_000
  while (stage.functions.listRunning().includes(greedy.ref) && performance.now() < deadline) await sleep(50)
  expect(stage.functions.listRunning()).not.toContain(greedy.ref)
  expect((await stage.call(greedy, 'fine')).body).toBe('fine')
})

test('what a limit ended is told in the log and in the row of the call', async () => {
  await codeOf(run('for (;;);'))
  const lines = stage.functions.listLogs(greedy, { name: 'run', limit: 500 })
  expect(lines.at(-1)).toMatchObject({ source: 'platform', level: 'error', message: expect.stringContaining('CPU time') })
  const [row] = await stage.functions.listInvocations(greedy, { name: 'run', onlyErrors: true, limit: 1 })
  expect(row).toMatchObject({ status: 546, error: expect.stringContaining('CPU time') })
  expect(row?.cpuMs).toBeGreaterThan(200)
})

test.each(['LD_PRELOAD', 'DENO_V8_FLAGS', 'HTTP_PROXY', 'DENO_AUDIT_PERMISSIONS', 'DENO_COVERAGE_DIR', 'NODE_OPTIONS', 'NPM_CONFIG_REGISTRY', 'V8_X', 'OTEL_X', 'PATH', 'HOME', 'TMPDIR', 'SUPABASE_URL', 'POLDER_X', 'lower', '1A', 'A-B', '', 'A'.repeat(65), 'DYLD_INSERT_LIBRARIES', 'ALL_PROXY'])(
  'a secret cannot be named %j, and the refusal says why',
  async (name) => {
    const refused = await stage.functions.setEnvVar(greedy, name, 'x').catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'functions.secret_name_invalid', message: expect.stringMatching(/\.$/) })
    expect(await stage.functions.listSecrets(greedy)).toEqual([])
  },
) // prettier-ignore
