import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openStorageGateway, type CallOptions, type StorageGateway } from './testing/storage-gateway.ts'

let gate: StorageGateway
const LARGE = randomBytes(3 << 20)

beforeAll(async () => {
  gate = await openStorageGateway()
  await gate.storage.createBucket(await gate.alpha.member('storage.write'), { name: 'open', isPublic: true })
  await gate.storage.createBucket(await gate.alpha.member('storage.write'), { name: 'private' })
  await gate.alpha.runAsOwner(`
    create policy mine on storage.objects to authenticated
      using (bucket_id = 'private' and (storage.foldername(name))[1] = (select auth.uid())::text)
      with check (bucket_id = 'private' and (storage.foldername(name))[1] = (select auth.uid())::text)`)
})
afterAll(() => gate?.[Symbol.asyncDispose]())

const call = (method: string, path: string, options?: CallOptions) => gate.call(gate.alpha, method, path, options)
interface WireError {
  status: number
  statusCode: string
  error: string
  code: string
  message: string
}

const errorOf = async (response: Response): Promise<WireError> => ({ ...((await response.json()) as WireError), status: response.status })

async function keysIn(bucket: string): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of gate.objects.list(`${gate.alpha.ref}/${bucket}/`)) keys.push(key)
  return keys
}

describe('objects', () => {
  test('come back as they were sent, in a body, in chunks and in a form, with what was said of them', async () => {
    const sent: [string, CallOptions][] = [
      ['body.bin', { body: LARGE, headers: { 'content-type': 'application/x-thing', 'cache-control': 'max-age=7' } }],
      [
        'chunks.bin',
        { body: new Blob([LARGE]).stream(), headers: { 'content-type': 'application/x-thing', 'cache-control': 'max-age=7' } },
      ],
      ['small.bin', { body: LARGE.subarray(0, 100), headers: { 'content-type': 'application/x-thing', 'cache-control': 'max-age=7' } }],
    ]
    const form = new FormData()
    form.append('cacheControl', '7')
    form.append('metadata', JSON.stringify({ camera: 'old' }))
    form.append('', new Blob([LARGE], { type: 'application/x-thing' }), 'any.bin')
    sent.push(['form.bin', { body: form }])
    for (const [name, options] of sent) {
      const made = await call('POST', `/object/open/${name}`, options)
      expect(await made.json(), name).toEqual({ Key: `open/${name}`, Id: expect.any(String) })
      const got = await call('GET', `/object/public/open/${name}`, { role: 'none' })
      const bytes = Buffer.from(await got.arrayBuffer())
      expect(bytes.equals(name === 'small.bin' ? LARGE.subarray(0, 100) : LARGE), name).toBe(true)
      expect(got.headers.get('content-type')).toBe('application/x-thing')
      expect(got.headers.get('cache-control')).toBe('max-age=7')
      expect(Number(got.headers.get('content-length'))).toBe(bytes.length)
    }
    const info = (await (await call('GET', '/object/info/open/form.bin')).json()) as object
    expect(info).toMatchObject({ metadata: { camera: 'old' }, size: LARGE.length, bucket_id: 'open', cache_control: 'max-age=7' })
    expect(info).not.toHaveProperty('updated_at')
  })

  test('are served in part, or not at all when the client has them', async () => {
    await call('POST', '/object/open/text.txt', { body: '0123456789', headers: { 'content-type': 'text/plain', 'x-upsert': 'true' } })
    const get = (headers: Record<string, string>, method = 'GET') => call(method, '/object/public/open/text.txt', { role: 'none', headers })
    const whole = await get({})
    const etag = whole.headers.get('etag')!
    for (const [range, text, content] of [
      ['bytes=2-4', '234', 'bytes 2-4/10'],
      ['bytes=7-', '789', 'bytes 7-9/10'],
      ['bytes=-2', '89', 'bytes 8-9/10'],
      ['bytes=8-100', '89', 'bytes 8-9/10'],
    ] as const) {
      const part = await get({ range })
      expect([part.status, await part.text(), part.headers.get('content-range')]).toEqual([206, text, content])
    }
    for (const range of ['bytes=10-', 'bytes=5-2', 'bytes=-0', 'bytes=0-1,3-4', 'lines=1-2', 'bytes=']) {
      expect(await errorOf(await get({ range })), range).toMatchObject({ status: 416, statusCode: '416', error: 'invalid_range' })
    }
    expect((await get({ 'if-none-match': etag })).status).toBe(304)
    expect((await get({ 'if-none-match': '"other"' })).status).toBe(200)
    expect((await get({ 'if-modified-since': whole.headers.get('last-modified')! })).status).toBe(304)
    expect((await get({ range: 'bytes=1-2', 'if-range': '"other"' })).status).toBe(200)
    const head = await get({}, 'HEAD')
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '10', ''])
  })

  test('are not replaced without x-upsert; with it the old bytes go', async () => {
    await call('POST', '/object/open/once.txt', { body: 'one' })
    expect(await errorOf(await call('POST', '/object/open/once.txt', { body: 'two' }))).toMatchObject({
      status: 400,
      statusCode: '409',
      error: 'Duplicate',
      message: 'The resource already exists',
    })
    const count = async () => (await keysIn('open')).length
    const before = await count()
    expect((await call('PUT', '/object/open/once.txt', { body: 'three' })).status).toBe(200)
    expect(await (await call('GET', '/object/open/once.txt')).text()).toBe('three')
    await expect.poll(count).toBe(before)
  })

  test('and a/b can both be there, with every character that storage-api takes, and no other', async () => {
    for (const name of ['a', 'a/b', 'a//b', '/a', '../a', 'a/../b', 'x y', "it's!*()", 'q?&$=@;:+,'])
      expect((await call('POST', `/object/open/${encodeURIComponent(name)}`, { body: name })).status, name).toBe(200)
    expect(await (await call('GET', `/object/open/${encodeURIComponent('a/../b')}`)).text()).toBe('a/../b')
    for (const name of ['ü', 'a#b', 'a[b]', 'a\\b', 'a%b', 'a~b', 'a|b', '😀', 'a\u0000b', 'a\nb'])
      expect((await errorOf(await call('POST', `/object/open/${encodeURIComponent(name)}`, { body: 'x' }))).error, name).toBe('InvalidKey')
  })

  test('are moved and copied, and kept where that is refused', async () => {
    await call('POST', '/object/open/from.txt', { body: 'moved', headers: { 'content-type': 'text/plain' } })
    const move = { bucketId: 'open', sourceKey: 'from.txt', destinationBucket: 'private', destinationKey: 'to.txt' }
    expect(await (await call('POST', '/object/move', { body: move })).json()).toMatchObject({ message: 'Successfully moved' })
    expect(await (await call('GET', '/object/private/to.txt')).text()).toBe('moved')
    expect(await errorOf(await call('GET', '/object/open/from.txt'))).toMatchObject({ status: 400, statusCode: '404', error: 'not_found' })
    const copy = { bucketId: 'private', sourceKey: 'to.txt', destinationKey: 'copy.txt' }
    expect(await (await call('POST', '/object/copy', { body: copy })).json()).toMatchObject({ Key: 'private/copy.txt' })
    expect(await errorOf(await call('POST', '/object/copy', { body: copy }))).toMatchObject({ error: 'Duplicate' })
    const onto = { bucketId: 'private', sourceKey: 'to.txt', destinationKey: 'copy.txt' }
    expect(await errorOf(await call('POST', '/object/move', { body: onto }))).toMatchObject({ error: 'Duplicate' })
    expect(await (await call('GET', '/object/private/to.txt')).text()).toBe('moved')
  })
})

describe('row-level security', () => {
  const user = '11111111-1111-4111-8111-111111111111'
  const token = async () => {
    const scope = await gate.alpha.scope('anon')
    return scope.tokens.sign({ role: 'authenticated', sub: user, exp: Math.floor(Date.now() / 1000) + 600 })
  }

  test('lets a user into their folder, and nobody else, whatever the verb', async () => {
    const bearer = { role: 'anon' as const, token: await token() }
    expect((await call('POST', `/object/private/${user}/mine.txt`, { ...bearer, body: 'mine' })).status).toBe(200)
    expect(await (await call('GET', `/object/authenticated/private/${user}/mine.txt`, bearer)).text()).toBe('mine')
    const listed = await call('POST', '/object/list/private', { ...bearer, body: { prefix: '' } })
    expect(((await listed.json()) as { name: string }[]).map(({ name }) => name)).toEqual([user])
    const anon = { role: 'anon' as const }
    const refusals = [
      await call('POST', `/object/private/${user}/other.txt`, { ...anon, body: 'x' }),
      await call('PUT', `/object/private/${user}/mine.txt`, { ...anon, body: 'x' }),
      await call('POST', '/object/private/elsewhere.txt', { ...bearer, body: LARGE }),
      await call('DELETE', `/object/private/${user}/mine.txt`, anon),
      await call('POST', `/object/upload/sign/private/elsewhere.txt`, bearer),
    ]
    for (const refusal of refusals) expect(await errorOf(refusal)).toMatchObject({ status: 400, statusCode: '403', error: 'Unauthorized' })
    const missing = [
      await call('GET', `/object/private/${user}/mine.txt`, anon),
      await call('GET', `/object/info/private/${user}/mine.txt`, anon),
      await call('POST', `/object/sign/private/${user}/mine.txt`, { ...anon, body: { expiresIn: 60 } }),
      await call('POST', '/object/move', { ...anon, body: { bucketId: 'private', sourceKey: `${user}/mine.txt`, destinationKey: 'x' } }),
      await call('GET', `/object/public/private/${user}/mine.txt`, { role: 'none' }),
    ]
    for (const refusal of missing) expect(await errorOf(refusal)).toMatchObject({ status: 400, statusCode: '404' })
    expect(await (await call('DELETE', '/object/private', { ...anon, body: { prefixes: [`${user}/mine.txt`] } })).json()).toEqual([])
    expect(await (await call('GET', `/object/private/${user}/mine.txt`)).text()).toBe('mine')
  })

  test('is asked before a byte is kept', async () => {
    const written: string[] = []
    const { put } = gate.objects
    gate.objects.put = (key, source, options) => (written.push(key), put(key, source, options))
    await call('POST', '/object/private/refused.bin', { role: 'anon', body: LARGE })
    await call('POST', '/object/private/refused.txt', { role: 'anon', body: 'small' })
    gate.objects.put = put
    expect(written).toEqual([])
  })

  test('requests without a token, or with one that is none, are told so as storage-api does', async () => {
    expect(await errorOf(await call('GET', '/bucket', { role: 'none' }))).toMatchObject({ status: 400, statusCode: '400', error: 'Error' })
    const malformed = await call('GET', '/bucket', { role: 'none', token: 'not-a-jwt' })
    expect(await errorOf(malformed)).toMatchObject({ status: 400, statusCode: '403', error: 'Unauthorized' })
  })
})

describe('signed links', () => {
  test('read what they were signed for, until they end, and nothing else', async () => {
    await call('POST', '/object/private/linked.txt', { body: 'linked' })
    const sign = async (body: object) =>
      ((await (await call('POST', '/object/sign/private/linked.txt', { body })).json()) as { signedURL: string }).signedURL
    const url = await sign({ expiresIn: 60 })
    expect(url).toMatch(/^\/object\/sign\/private\/linked\.txt\?token=[^&]+$/)
    const got = await call('GET', `${url}&download=my%20file.txt`, { role: 'none' })
    expect([await got.text(), got.headers.get('content-disposition')]).toEqual([
      'linked',
      "attachment; filename=my%20file.txt; filename*=UTF-8''my%20file.txt",
    ])
    const token = url.split('token=')[1]!
    for (const [path, error] of [
      [`/object/sign/private/to.txt?token=${token}`, 'InvalidSignature'],
      [`/object/sign/private/linked.txt?token=${token.slice(0, -2)}`, 'InvalidSignature'],
      ['/object/sign/private/linked.txt', 'InvalidSignature'],
    ] as const) {
      expect((await errorOf(await call('GET', path, { role: 'none' }))).error, path).toBe(error)
    }
    expect((await errorOf(await gate.call(gate.beta, 'GET', url, { role: 'none' }))).error).toBe('InvalidSignature')
    const short = await sign({ expiresIn: 1 })
    await sleep(1100)
    expect((await errorOf(await call('GET', short, { role: 'none' }))).code).toBe('ExpiredToken')
    await call('DELETE', '/object/private/linked.txt')
    expect(await errorOf(await call('GET', url, { role: 'none' }))).toMatchObject({ statusCode: '404' })
  })

  test('for uploads put one object there, once, and read nothing', async () => {
    const made = await call('POST', '/object/upload/sign/private/sent.txt')
    const { url, token } = (await made.json()) as { url: string; token: string }
    expect((await errorOf(await call('GET', `/object/sign/private/sent.txt?token=${token}`, { role: 'none' }))).status).toBe(400)
    expect((await call('PUT', url, { role: 'none', body: 'sent' })).status).toBe(200)
    expect(await errorOf(await call('PUT', url, { role: 'none', body: 'again' }))).toMatchObject({ status: 400, statusCode: '409' })
    expect(await (await call('GET', '/object/private/sent.txt')).text()).toBe('sent')
  })
})

describe('buckets', () => {
  test('refuse what is too large, or of a type that they do not take, and keep nothing of it', async () => {
    const made = await call('POST', '/bucket', {
      body: { name: 'tight', id: 'tight', file_size_limit: '1kb', allowed_mime_types: ['image/*'] },
    })
    expect(await made.json()).toEqual({ name: 'tight' })
    const image = { 'content-type': 'image/png' }
    for (const body of [LARGE.subarray(0, 1001), LARGE, new Blob([LARGE]).stream()]) {
      expect(await errorOf(await call('POST', '/object/tight/x.png', { body, headers: image }))).toMatchObject({
        statusCode: '413',
        error: 'Payload too large',
      })
    }
    const form = new FormData()
    form.append('', new Blob([LARGE], { type: 'image/png' }), 'x.png')
    expect(await errorOf(await call('POST', '/object/tight/x.png', { body: form }))).toMatchObject({ statusCode: '413' })
    expect(
      await errorOf(await call('POST', '/object/tight/x.txt', { body: 'x', headers: { 'content-type': 'text/plain' } })),
    ).toMatchObject({
      statusCode: '415',
      error: 'invalid_mime_type',
    })
    expect((await call('POST', '/object/tight/x.png', { body: LARGE.subarray(0, 1000), headers: image })).status).toBe(200)
    expect(await errorOf(await call('DELETE', '/bucket/tight'))).toMatchObject({
      status: 400,
      statusCode: '409',
      error: 'ResourceNotEmpty',
    })
    expect((await call('POST', '/bucket/tight/empty')).status).toBe(200)
    expect((await call('DELETE', '/bucket/tight')).status).toBe(200)
    await expect.poll(() => keysIn('tight')).toEqual([])
    expect(await errorOf(await call('GET', '/bucket/tight'))).toMatchObject({ statusCode: '404', error: 'Bucket not found' })
  })

  test('have exactly the keys that storage-js compares', async () => {
    expect(Object.keys((await (await call('GET', '/bucket/open')).json()) as object).toSorted()).toEqual([
      'allowed_mime_types',
      'created_at',
      'file_size_limit',
      'id',
      'name',
      'owner',
      'public',
      'updated_at',
    ])
  })
})
