import { createHash, randomBytes } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openStorageGateway, type StorageGateway } from './testing/storage-gateway.ts'

let gate: StorageGateway
const FILE = randomBytes(300_000)

beforeAll(async () => {
  gate = await openStorageGateway()
  await gate.storage.createBucket(await gate.alpha.member('storage.write'), { name: 'files' })
})
afterAll(() => gate?.[Symbol.asyncDispose]())

const encode = (metadata: Record<string, string>) =>
  Object.entries(metadata)
    .map(([name, value]) => `${name} ${Buffer.from(value).toString('base64')}`)
    .join(',')

interface Begin {
  name: string
  length?: number
  headers?: Record<string, string>
  path?: string
  role?: 'anon' | 'service_role' | 'none'
  token?: string
}

const TUS = { 'tus-resumable': '1.0.0' }

function begin({ name, length = FILE.length, headers = {}, path = '/upload/resumable', ...who }: Begin): Promise<Response> {
  const metadata = encode({ bucketName: 'files', objectName: name, contentType: 'application/x-thing', cacheControl: '60' })
  const all = { ...TUS, 'upload-length': String(length), 'upload-metadata': metadata, ...headers }
  return gate.call(gate.alpha, 'POST', path, { ...who, headers: all })
}

const toId = (response: Response) => response.headers.get('location')!.split('/').at(-1)!

const call = (method: string, id: string, headers: Record<string, string> = {}, body?: Uint8Array, more = {}) =>
  gate.call(gate.alpha, method, `/upload/resumable/${id}`, { headers: { ...TUS, ...headers }, ...(body && { body }), ...more })

const patch = (id: string, offset: number, bytes: Uint8Array, headers = {}, more = {}) =>
  call('PATCH', id, { 'upload-offset': String(offset), 'content-type': 'application/offset+octet-stream', ...headers }, bytes, more)

const offsetOf = async (id: string) => Number((await call('HEAD', id)).headers.get('upload-offset'))

/** Sends the beginning of a body, and goes away. */
function breakOff(id: string, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const { pathname, port } = new URL(`${gate.origin}/projects/${gate.alpha.ref}/storage/v1/upload/resumable/${id}`)
    const headers = {
      ...TUS,
      authorization: `Bearer ${gate.alpha.keys.serviceRoleKey}`,
      'upload-offset': '0',
      'content-type': 'application/offset+octet-stream',
      'content-length': String(FILE.length),
    }
    const request = httpRequest({ host: '127.0.0.1', port, path: pathname, method: 'PATCH', headers })
    request.on('error', () => {})
    request.on('close', () => resolve())
    request.write(bytes, () => setTimeout(() => request.destroy(), 100))
  })
}

test('an upload goes on after its connection broke, and in another process, from where it was', async () => {
  const made = await begin({ name: 'resumed.bin' })
  expect(made.status).toBe(201)
  expect(made.headers.get('location')).toMatch(new RegExp(`^/projects/${gate.alpha.ref}/storage/v1/upload/resumable/[0-9a-f]{40}$`))
  const id = toId(made)
  await breakOff(id, FILE.subarray(0, 100_000))
  await expect.poll(() => offsetOf(id)).toBe(100_000)
  // Nothing of it is in the process: another one finds it in the store.
  await using other = await openStorageGateway({ beside: gate })
  const seen = await other.call(gate.alpha, 'HEAD', `/upload/resumable/${id}`, { headers: TUS })
  expect(seen.headers.get('upload-offset')).toBe('100000')
  expect((await other.call(gate.beta, 'HEAD', `/upload/resumable/${id}`, { headers: TUS })).status).toBe(404)
  expect((await patch(id, 0, FILE.subarray(0, 10))).status).toBe(409)
  expect(await (await patch(id, 5, FILE.subarray(5, 10))).text()).toContain('Upload-Offset conflict')
  expect((await patch(id, 100_000, FILE.subarray(100_000, 200_000))).headers.get('upload-offset')).toBe('200000')
  expect((await gate.call(gate.alpha, 'GET', '/object/files/resumed.bin')).status).toBe(400)
  const rest = { ...TUS, 'upload-offset': '200000', 'content-type': 'application/offset+octet-stream' }
  const last = await other.call(gate.alpha, 'PATCH', `/upload/resumable/${id}`, { headers: rest, body: FILE.subarray(200_000) })
  expect(last.status).toBe(204)
  const got = await gate.call(gate.alpha, 'GET', '/object/files/resumed.bin')
  expect(Buffer.from(await got.arrayBuffer()).equals(FILE)).toBe(true)
  expect([got.headers.get('content-type'), got.headers.get('cache-control')]).toEqual(['application/x-thing', 'max-age=60'])
  // A client that missed the answer hears that all is there.
  expect(await offsetOf(id)).toBe(FILE.length)
})

test('row-level security judges before the first byte; an upload is nobody else’s', async () => {
  const refused = await begin({ name: 'refused.bin', role: 'anon' })
  expect(refused.status).toBe(403)
  await gate.alpha.runAsOwner(`create policy own on storage.objects for insert to authenticated with check (owner_id = auth.uid()::text)`)
  const { tokens } = await gate.alpha.scope('anon')
  const sign = (sub: string) => tokens.sign({ role: 'authenticated', sub, exp: Math.floor(Date.now() / 1000) + 600 })
  const [ann, bob] = [sign('11111111-1111-4111-8111-111111111111'), sign('22222222-2222-4222-8222-222222222222')]
  const id = toId(await begin({ name: 'ann.bin', role: 'anon', token: ann }))
  expect((await call('HEAD', id, {}, undefined, { role: 'anon', token: bob })).status).toBe(404)
  expect((await patch(id, 0, FILE, {}, { role: 'anon', token: bob })).status).toBe(404)
  expect((await patch(id, 0, FILE, {}, { role: 'anon', token: ann })).status).toBe(204)
})

test('a checksum that does not fit takes the piece back', async () => {
  const id = toId(await begin({ name: 'summed.bin' }))
  const sum = (bytes: Uint8Array) => ({ 'upload-checksum': `sha256 ${createHash('sha256').update(bytes).digest('base64')}` })
  expect((await patch(id, 0, FILE.subarray(0, 1000), sum(FILE))).status).toBe(460)
  expect(await offsetOf(id)).toBe(0)
  expect((await patch(id, 0, FILE, sum(FILE))).status).toBe(204)
})

test('a link signed for one object takes it without a token, and no other', async () => {
  const signed = await gate.call(gate.alpha, 'POST', '/object/upload/sign/files/signed.bin')
  const { token } = (await signed.json()) as { token: string }
  const path = '/upload/resumable/sign'
  const headers = { 'x-signature': token }
  expect((await begin({ name: 'other.bin', role: 'none', path, headers })).status).toBe(400)
  expect((await begin({ name: 'signed.bin', role: 'none', path })).status).toBe(400)
  const made = await begin({ name: 'signed.bin', role: 'none', path, headers })
  expect(made.status).toBe(201)
  const id = `sign/${toId(made)}`
  expect((await patch(id, 0, FILE, {}, { role: 'none' })).status).toBe(400)
  expect((await patch(id, 0, FILE, headers, { role: 'none' })).status).toBe(204)
  expect((await gate.call(gate.alpha, 'HEAD', '/object/files/signed.bin')).headers.get('content-length')).toBe(String(FILE.length))
})

test('what is too large, or aimed at nothing, is refused when it begins; what is given up is gone', async () => {
  await gate.storage.createBucket(await gate.alpha.member('storage.write'), { name: 'small', fileSizeLimit: 10 })
  const metadata = (bucketName: string) => ({ 'upload-metadata': encode({ bucketName, objectName: 'x' }) })
  expect(await (await begin({ name: 'x', headers: metadata('small') })).text()).toContain('Maximum size exceeded')
  expect(await (await begin({ name: 'x', headers: metadata('none') })).text()).toContain('Bucket not found')
  const id = toId(await begin({ name: 'given-up.bin' }))
  expect((await call('DELETE', id)).status).toBe(204)
  expect((await call('HEAD', id)).status).toBe(404)
  const options = await gate.call(gate.alpha, 'OPTIONS', '/upload/resumable', { role: 'none' })
  expect([options.status, options.headers.get('tus-extension')]).toEqual([
    204,
    'creation,creation-with-upload,creation-defer-length,termination,expiration,checksum',
  ])
})
