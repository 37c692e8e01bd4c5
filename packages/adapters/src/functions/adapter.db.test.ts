import { setTimeout as sleep } from 'node:timers/promises'
import type { ProjectScope } from '@polder/db'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openTestFunctions, toSource, type TestFunctions } from './testing/test-functions.ts'

let stage: TestFunctions
let alpha: ProjectScope
let beta: ProjectScope

beforeAll(async () => {
  stage = await openTestFunctions()
  alpha = await (await stage.cluster.createProject()).member('functions.write', 'owner')
  beta = await (await stage.cluster.createProject()).member('functions.write', 'owner')
})
afterAll(() => stage?.[Symbol.asyncDispose]())

const logsOf = (project: ProjectScope, name?: string) =>
  stage.functions.listLogs(project, { name, limit: 500 }).map(({ message }) => message)

describe('a function', () => {
  test('is deployed, called, listed and deleted', async () => {
    const deployed = await stage.deploy(alpha, 'hello', "Deno.serve(() => new Response('Hello', { headers: { 'x-mine': 'yes' } }))")
    expect(deployed).toMatchObject({ name: 'hello', version: 1, verifyJwt: true, entrypoint: 'index.ts' })
    const answer = await stage.call(alpha, 'hello')
    expect([answer.status, answer.body, answer.headers['x-mine']]).toEqual([200, 'Hello', 'yes'])
    const [listed] = await stage.functions.listFunctions(alpha)
    expect(listed).toMatchObject({ name: 'hello', version: 1 })
    expect(listed?.url).toBe(`http://localhost:8000/projects/${alpha.ref}/functions/v1/hello`)
    expect(await stage.functions.listFunctions(beta)).toEqual([])
    await stage.functions.deleteFunction(alpha, 'hello')
    await expect(stage.call(alpha, 'hello')).rejects.toMatchObject({ code: 'functions.not_found' })
  })

  test.each([
    ['Deno.serve with options', 'Deno.serve({ port: 8000 }, () => new Response("ok"))'],
    ['Deno.serve with a handler in its options', 'Deno.serve({ handler: () => new Response("ok") })'],
    ['a default export with fetch', 'export default { fetch: () => new Response("ok") }'],
    ['a default function', 'export default () => new Response("ok")'],
    [
      'serve of the standard library',
      'import { serve } from "https://deno.land/std@0.168.0/http/server.ts"; serve(() => new Response("ok"))',
    ],
    ['serve without a version', 'import { serve } from "https://deno.land/std/http/server.ts"; serve(() => new Response("ok"))'],
    ['an await before', 'await new Promise((r) => setTimeout(r, 5)); Deno.serve(async () => new Response("ok"))'],
  ])('may be %s', async (_title, source) => {
    await stage.deploy(alpha, 'form', source)
    expect((await stage.call(alpha, 'form')).body).toBe('ok')
  })

  test('is asked with what was asked: method, path, query, headers, body', async () => {
    await stage.deploy(
      alpha,
      'mirror',
      `Deno.serve(async (request) => Response.json({ url: request.url, method: request.method, headers: Object.fromEntries(request.headers), body: await request.text() }))`,
    )
    const headers = { 'x-Custom': 'a', traceparent: '00-1-2-3', authorization: 'Bearer x' }
    const answer = JSON.parse((await stage.call(alpha, 'mirror', { method: 'PATCH', path: '/a%20b/c?d=e&f', headers, body: 'text' })).body)
    expect(answer).toMatchObject({ url: 'http://localhost:8000/mirror/a%20b/c?d=e&f', method: 'PATCH', body: 'text' })
    expect(answer.headers).toMatchObject({ 'x-custom': 'a', traceparent: '00-1-2-3', authorization: 'Bearer x' })
  })

  test('can copy its request: the copies have its address, headers and body', async () => {
    await stage.deploy(
      alpha,
      'copies',
      `Deno.serve(async (request) => { const copies = [request.clone(), new Request(request.clone()), new Request(request.clone(), { headers: { a: 'b' } }), new Request(request.clone().url, request.clone())]
        const seen = await Promise.all(copies.map(async (each) => [each.url, each.method, each.headers.get('x-a'), each.headers.get('a'), await each.text(), each instanceof Request]))
        return Response.json([...seen, request instanceof Request, new Request('http://x/') instanceof Request, ({}) instanceof Request]) })`,
    )
    const url = 'http://localhost:8000/copies/x'
    expect(
      JSON.parse((await stage.call(alpha, 'copies', { method: 'POST', path: '/x', headers: { 'x-a': '1' }, body: 'text' })).body),
    ).toEqual([
      [url, 'POST', '1', null, 'text', true],
      [url, 'POST', '1', null, 'text', true],
      [url, 'POST', null, 'b', 'text', true],
      [url, 'POST', '1', null, 'text', true],
      true,
      true,
      false,
    ])
  })

  test('has the keys and the secrets of its project in Deno.env and process.env, and nothing of the server', async () => {
    await stage.functions.setEnvVar(alpha, 'GREETING', 'hej')
    await stage.deploy(
      alpha,
      'env',
      `Deno.serve(() => Response.json({ deno: Deno.env.toObject(), node: process.env.GREETING, get: Deno.env.get('GREETING') }))`,
    )
    const { deno, node, get } = JSON.parse((await stage.call(alpha, 'env')).body) as {
      deno: Record<string, string>
      node: string
      get: string
    }
    expect([node, get, deno.GREETING]).toEqual(['hej', 'hej', 'hej'])
    expect(Object.keys(deno).toSorted()).toEqual(
      ['GREETING', 'SB_REGION', 'SUPABASE_ANON_KEY', 'SUPABASE_DB_URL', 'SUPABASE_PUBLISHABLE_KEY', 'SUPABASE_SECRET_KEY', 'SUPABASE_SERVICE_ROLE_KEY', 'SUPABASE_URL'], // prettier-ignore
    )
    await stage.functions.setEnvVar(alpha, 'GREETING', 'hallo')
    expect(JSON.parse((await stage.call(alpha, 'env')).body).get).toBe('hallo')
    await stage.functions.deleteSecrets(alpha, ['GREETING'])
    expect(JSON.parse((await stage.call(alpha, 'env')).body).get).toBeUndefined()
  })

  test('answers as a stream, and reads one', async () => {
    await stage.deploy(
      alpha,
      'stream',
      `Deno.serve((request) => request.method === 'POST' ? new Response(request.body) : new Response(new ReadableStream({ async start(c) {
        for (let i = 0; i < 3; i++) { c.enqueue(new TextEncoder().encode('data: ' + i + '\\n\\n')); await new Promise((r) => setTimeout(r, 60)) } c.close() } }), { headers: { 'content-type': 'text/event-stream' } }))`,
    )
    const answer = await stage.call(alpha, 'stream')
    expect(answer.chunks.length).toBeGreaterThanOrEqual(3)
    expect(answer.body).toBe('data: 0\n\ndata: 1\n\ndata: 2\n\n')
    const big = Buffer.alloc(3_000_000, 7)
    const echoed = await stage.call(alpha, 'stream', { method: 'POST', body: big })
    expect(Buffer.concat(echoed.chunks).equals(big)).toBe(true)
  })

  test('that throws answers 500, and says why in its log with the call’s id', async () => {
    await stage.deploy(alpha, 'throws', `Deno.serve(() => { console.log('before', { a: 1 }); throw new Error('on purpose') })`)
    const answer = await stage.call(alpha, 'throws')
    expect(answer.status).toBe(500)
    await sleep(50)
    const lines = stage.functions.listLogs(alpha, { name: 'throws', limit: 10 })
    expect(lines[0]).toMatchObject({ message: 'before { a: 1 }', level: 'info', version: 1, requestId: expect.stringMatching(/^request-/) })
    expect(lines[1]).toMatchObject({ level: 'error', message: expect.stringContaining('on purpose') })
  })

  test('goes on with waitUntil after its answer, also when its caller goes away', async () => {
    await stage.deploy(
      alpha,
      'later',
      `Deno.serve(async () => { EdgeRuntime.waitUntil(new Promise((r) => setTimeout(r, 150)).then(() => console.log('done later'))); return new Response('now') })`,
    )
    expect((await stage.call(alpha, 'later')).body).toBe('now')
    await sleep(300)
    expect(logsOf(alpha, 'later')).toEqual(['done later'])
    await stage.deploy(
      alpha,
      'slow',
      `Deno.serve(async () => { await new Promise((r) => setTimeout(r, 200)); console.log('finished'); return new Response('slow') })`,
    )
    await stage.call(alpha, 'slow', { signal: AbortSignal.timeout(50) })
    await sleep(300)
    expect(logsOf(alpha, 'slow')).toEqual(['finished'])
    expect((await stage.call(alpha, 'slow')).body).toBe('slow')
  })

  test('cannot upgrade its connection', async () => {
    await stage.deploy(alpha, 'upgrade', `Deno.serve((request) => Deno.upgradeWebSocket(request).response)`)
    expect((await stage.call(alpha, 'upgrade')).status).toBe(500)
  })

  test('uses supabase-js as it comes with the server, by any of its names', async () => {
    const source = (specifier: string) => `import { createClient } from '${specifier}'
      Deno.serve(() => new Response(typeof createClient(Deno.env.get('SUPABASE_URL'), Deno.env.get('SUPABASE_ANON_KEY')).from))`
    for (const specifier of ['npm:@supabase/supabase-js@2', 'https://esm.sh/@supabase/supabase-js@2', '@supabase/supabase-js']) {
      await stage.deploy(alpha, 'client', source(specifier))
      expect((await stage.call(alpha, 'client')).body).toBe('function')
    }
    await stage.deploy(
      alpha,
      'cors',
      `import { corsHeaders } from '@supabase/supabase-js/cors'; Deno.serve(() => Response.json(corsHeaders))`,
    )
    expect(JSON.parse((await stage.call(alpha, 'cors')).body)).toHaveProperty('Access-Control-Allow-Origin', '*')
  })

  test('reaches its own database by SUPABASE_DB_URL’s socket', async () => {
    await stage.deploy(alpha, 'database', `Deno.serve(async () => {
      const socket = await Deno.connect({ transport: 'unix', path: new URL(Deno.env.get('SUPABASE_DB_URL')).searchParams.get('host') + '/.s.PGSQL.5432' })
      await socket.write(new Uint8Array([0, 0, 0, 8, 4, 210, 22, 47])) // asks whether it speaks TLS
      const answer = new Uint8Array(1); await socket.read(answer); socket.close()
      return new Response(String.fromCharCode(answer[0]))
    })`) // prettier-ignore
    // Outside of a jail the folder is another one.
    const { isJailed } = await stage.functions.describeRuntime()
    if (isJailed) expect((await stage.call(alpha, 'database')).body).toMatch(/^[NS]$/)
  })
})

describe('a deploy', () => {
  test('replaces what serves only when the new version has started', async () => {
    await stage.deploy(beta, 'step', `Deno.serve(() => new Response('one'))`)
    await expect(stage.deploy(beta, 'step', `throw new Error('broken')`)).rejects.toMatchObject({
      code: 'functions.boot_failed',
      message: expect.stringContaining('broken'),
    })
    await expect(stage.deploy(beta, 'step', `export const nothing = 1`)).rejects.toMatchObject({ code: 'functions.boot_failed' })
    await expect(stage.deploy(beta, 'step', `Deno.serve(() => {`)).rejects.toMatchObject({ code: 'functions.bundle_failed' })
    expect((await stage.call(beta, 'step')).body).toBe('one')
    const second = await stage.deploy(beta, 'step', `Deno.serve(() => new Response('two'))`)
    expect(second.version).toBe(2)
    expect((await stage.call(beta, 'step')).body).toBe('two')
  })

  test('leaves versions that can be read, and that can serve again', async () => {
    const versions = await stage.functions.listVersions(beta, 'step')
    expect(versions.map(({ version, isServing }) => [version, isServing])).toEqual([[2, true], [1, false]]) // prettier-ignore
    expect(await stage.functions.getSource(beta, 'step', 1)).toMatchObject({
      files: [{ content: `Deno.serve(() => new Response('one'))` }],
    })
    await stage.functions.rollBack(beta, 'step', 1)
    expect((await stage.call(beta, 'step')).body).toBe('one')
    await expect(stage.functions.rollBack(beta, 'step', 9)).rejects.toMatchObject({ code: 'functions.version_not_found' })
    expect((await stage.deploy(beta, 'step', `Deno.serve(() => new Response('three'))`)).version).toBe(3)
  })

  test('lets calls that run finish with the version that they began with', async () => {
    await stage.deploy(beta, 'long', `Deno.serve(async () => { await new Promise((r) => setTimeout(r, 400)); return new Response('old') })`)
    const running = stage.call(beta, 'long')
    await sleep(100)
    await stage.deploy(beta, 'long', `Deno.serve(() => new Response('new'))`)
    expect((await stage.call(beta, 'long')).body).toBe('new')
    expect((await running).body).toBe('old')
  })

  test('takes several files, an import map and data', async () => {
    const files = {
      'functions/many/index.ts': `import { greet } from '../_shared/greet.ts'; import data from './data.json' with { type: 'json' }; import text from './note.txt' with { type: 'text' }
        import { shout } from '@/shout.ts'; Deno.serve(() => new Response([greet(data.name), text.trim(), shout('x')].join('|')))`,
      'functions/_shared/greet.ts': `export const greet = (name: string): string => 'hi ' + name`,
      'functions/many/data.json': '{"name":"ada"}',
      'functions/many/note.txt': 'a note\n',
      'functions/many/lib/shout.ts': `export const shout = (text: string) => text.toUpperCase()`,
      'functions/many/deno.json': '{ // comment\n "imports": { "@/": "./lib/" }, }',
    }
    const deployed = await stage.deploy(beta, 'many', files)
    expect(deployed.importMap).toBe('functions/many/deno.json')
    expect((await stage.call(beta, 'many')).body).toBe('hi ada|a note|X')
  })

  test('of a name or files that are not allowed changes nothing', async () => {
    for (const name of ['', '1a', 'a b', '../x', 'a'.repeat(64), 'ä', '_a']) {
      await expect(stage.deploy(beta, name, 'Deno.serve(() => new Response())')).rejects.toMatchObject({ code: 'functions.name_invalid' })
    }
    const source = { files: [{ path: '../index.ts', content: '' }], entrypoint: '../index.ts' }
    await expect(stage.functions.deployFunction(beta, { name: 'x', source, deployedBy: null })).rejects.toMatchObject({
      code: 'functions.source_invalid',
    })
    const large = { files: [{ path: 'index.ts', content: ' '.repeat(11 * 1024 * 1024) }], entrypoint: 'index.ts' }
    await expect(stage.functions.deployFunction(beta, { name: 'x', source: large, deployedBy: null })).rejects.toMatchObject({
      code: 'functions.source_too_large',
    })
    await expect(
      stage.functions.deployFunction(beta, { name: 'x', source: { ...toSource(''), entrypoint: 'no.ts' }, deployedBy: null }),
    ).rejects.toMatchObject({ code: 'functions.source_invalid' })
    expect((await stage.functions.listFunctions(beta)).some(({ name }) => name === 'x')).toBe(false)
  })
})

test('a call leaves a row with what it cost', async () => {
  await stage.deploy(beta, 'counted', `Deno.serve((request) => new Response('x', { status: request.url.endsWith('/bad') ? 503 : 200 }))`)
  await stage.call(beta, 'counted')
  await stage.call(beta, 'counted', { path: '/bad' })
  await sleep(700)
  const rows = await stage.functions.listInvocations(beta, { name: 'counted', onlyErrors: false, limit: 10 })
  expect(rows.map(({ status, path, version }) => [status, path, version])).toEqual([[503, '/bad', 1], [200, '', 1]]) // prettier-ignore
  expect(rows[0]).toMatchObject({ method: 'GET', error: null, requestId: expect.stringMatching(/^request-/) })
  const listed = (await stage.functions.listFunctions(beta)).find(({ name }) => name === 'counted')
  expect(listed?.hours.at(-1)).toMatchObject({ calls: 2, errors: 1 })
  expect(listed?.hours).toHaveLength(24)
})
