import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createHttpServer } from '../http-server.ts'
import type { Services } from '../services.ts'
import { openTestServer, untilEnded, type TestAccount, type TestServer } from '../testing/test-server.ts'

let server: TestServer
let services: Services
let app: FastifyInstance
let base: string
let ref: string
let owner: TestAccount
/** As Supabase's command line takes it. */
let token: string

beforeAll(async () => {
  server = await openTestServer()
  services = await server.start()
  app = await createHttpServer({ services, trustedProxies: null })
  base = await app.listen({ port: 0, host: '127.0.0.1' })
  owner = await server.createAccount('owner')
  const { project } = await services.projects.create(owner.actor, {
    organizationId: server.cluster.organizationId,
    name: 'By command line',
  })
  ref = project.ref
  await untilEnded(server, ref)
  token = await makeToken(owner, 'write')
})
afterAll(async () => {
  await app?.close()
  await server?.[Symbol.asyncDispose]()
})

const makeToken = async (account: TestAccount, access: 'read' | 'write') => {
  const made = await services.accounts.createToken(account.actor, { name: 'cli', access })
  return made.token.replace(/^plr_/, 'sbp_')
}

const ask = (path: string, options: RequestInit & { key?: string } = {}) =>
  fetch(`${base}/v1/projects/${ref}${path}`, {
    ...options,
    headers: { authorization: `Bearer ${options.key ?? token}`, ...(options.headers as object) },
  })
const json = (body: unknown, method = 'POST') => ({ method, body: JSON.stringify(body), headers: { 'content-type': 'application/json' } })

function toForm(metadata: object, files: Record<string, string>): FormData {
  const form = new FormData()
  form.append('metadata', JSON.stringify(metadata))
  for (const [name, content] of Object.entries(files)) form.append('file', new Blob([content]), name)
  return form
}

describe('Supabase’s command line', () => {
  test('has tokens in the form that it takes', () => {
    expect(token).toMatch(/^sbp_[a-f0-9]{40}$/)
  })

  test('deploys a function with shared files and an import map', async () => {
    const form = toForm(
      {
        name: 'hello',
        entrypoint_path: 'supabase/functions/hello/index.ts',
        import_map_path: 'supabase/functions/hello/deno.json',
        verify_jwt: false,
      },
      {
        'supabase/functions/hello/deno.json': '{"imports":{"~/":"../_shared/"}}',
        'supabase/functions/hello/index.ts': `import { greet } from '~/greet.ts'; import { more } from '../../../../lib/more.ts'; Deno.serve(() => new Response(greet + more))`,
        'supabase/functions/_shared/greet.ts': `export const greet = 'hi'`,
        '../lib/more.ts': `export const more = '!'`,
      },
    )
    const answer = await ask('/functions/deploy?slug=hello', { method: 'POST', body: form })
    expect([answer.status, await answer.json()]).toMatchObject([201, { slug: 'hello', status: 'ACTIVE', version: 1, verify_jwt: false }])
    expect(await (await fetch(`${base}/projects/${ref}/functions/v1/hello`)).text()).toBe('hi!')
  })

  test('lists, shows, downloads and changes functions', async () => {
    const listed = (await (await ask('/functions')).json()) as object[]
    expect(listed).toEqual([
      expect.objectContaining({ slug: 'hello', name: 'hello', ezbr_sha256: expect.stringMatching(/^[0-9a-f]{64}$/) }),
    ])
    expect(await (await ask('/functions/hello')).json()).toMatchObject({ slug: 'hello', created_at: expect.any(Number) })
    const body = await ask('/functions/hello/body', { headers: { accept: 'multipart/form-data' } })
    const form = await body.formData()
    expect(JSON.parse(form.get('metadata') as string)).toEqual({ deno2_entrypoint_path: 'up1/supabase/functions/hello/index.ts' })
    expect(form.getAll('file')).toHaveLength(4)
    const updated = await ask('/functions', json([{ slug: 'hello', verify_jwt: true, id: 'x', version: 1 }], 'PUT'))
    expect(await updated.json()).toMatchObject({ functions: [{ slug: 'hello', verify_jwt: true }] })
    expect((await fetch(`${base}/projects/${ref}/functions/v1/hello`)).status).toBe(401)
  })

  test('sets, lists and unsets secrets, and never sees one', async () => {
    expect((await ask('/secrets', json([{ name: 'API_KEY', value: 'very secret' }]))).status).toBe(201)
    const listed = await (await ask('/secrets')).text()
    expect(listed).toContain('API_KEY')
    expect(listed).not.toContain('very secret')
    const refused = await ask('/secrets', json([{ name: 'LD_PRELOAD', value: 'x' }]))
    expect([refused.status, await refused.json()]).toMatchObject([
      400,
      { code: 'functions.secret_name_invalid', message: expect.stringContaining('LD_PRELOAD') },
    ])
    expect((await ask('/secrets', json(['API_KEY'], 'DELETE'))).status).toBe(200)
    expect(await (await ask('/secrets')).json()).toEqual([])
  })

  test('is told what is wrong with an upload, and nothing changes', async () => {
    const deploy = async (metadata: object, files: Record<string, string>) => {
      const answer = await ask('/functions/deploy?slug=hello', { method: 'POST', body: toForm(metadata, files) })
      return [answer.status, ((await answer.json()) as { code: string }).code]
    }
    expect(await deploy({}, { 'index.ts': '' })).toEqual([400, 'functions.source_invalid'])
    expect(await deploy({ entrypoint_path: 'index.ts' }, {})).toEqual([400, 'functions.source_invalid'])
    expect(await deploy({ entrypoint_path: 'index.ts' }, { 'index.ts': 'const' })).toEqual([400, 'functions.bundle_failed'])
    expect(await deploy({ entrypoint_path: 'a\0.ts' }, { 'index.ts': '' })).toEqual([400, 'functions.source_invalid'])
    const other = await ask('/functions/deploy?slug=hello', {
      method: 'POST',
      body: 'x',
      headers: { 'content-type': 'application/vnd.denoland.eszip' },
    })
    expect(other.status).toBe(400)
    expect(await (await ask('/functions/hello')).json()).toMatchObject({ version: 1 })
  })

  test('is let in by a member’s token only, and a reading one changes nothing', async () => {
    const stranger = await server.createAccount('viewer')
    const reading = await makeToken(owner, 'read')
    const viewer = await makeToken(stranger, 'write')
    expect((await ask('/functions', { key: 'sbp_' + '0'.repeat(40) })).status).toBe(401)
    expect((await fetch(`${base}/v1/projects/${ref}/functions`)).status).toBe(401)
    expect((await ask('/functions', { key: reading })).status).toBe(200)
    for (const key of [reading, viewer]) {
      expect((await ask('/secrets', { ...json([{ name: 'A', value: 'b' }]), key })).status).toBe(403)
      expect((await ask('/functions/hello', { method: 'DELETE', key })).status).toBe(403)
    }
    expect((await fetch(`${base}/v1/projects/${'z'.repeat(20)}/functions`, { headers: { authorization: `Bearer ${token}` } })).status).toBe(
      404,
    )
    expect((await ask('/functions', { headers: { origin: 'https://evil.example' } })).status).toBe(401)
  })

  test('deletes a function', async () => {
    expect((await ask('/functions/hello', { method: 'DELETE' })).status).toBe(200)
    expect((await ask('/functions/hello')).status).toBe(404)
  })
})
