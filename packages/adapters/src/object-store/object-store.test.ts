import { randomBytes } from 'node:crypto'
import { mkdir, readdir, symlink, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ObjectStore } from './object-store.ts'
import { toSegment } from './object-key.ts'
import { openTestStore, type TestStore } from './testing/test-stores.ts'

const LARGE = randomBytes(9 << 20)

async function read(store: ObjectStore, key: string, span?: { first: number; last: number }): Promise<Buffer | undefined> {
  const opened = await store.open(key, span)
  return opened && (Buffer.isBuffer(opened.body) ? opened.body : buffer(opened.body))
}

/** As a request's body comes in. */
function inChunks(bytes: Buffer, size = 65_536): Readable {
  return Readable.from(
    Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => bytes.subarray(index * size, (index + 1) * size)),
  )
}

async function collect(store: ObjectStore, prefix: string): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.list(prefix)) keys.push(key)
  return keys.toSorted()
}

describe.each(['disk', 's3'] as const)('objects on %s', (kind) => {
  let opened: TestStore
  let store: ObjectStore
  beforeAll(async () => {
    opened = await openTestStore(kind)
    store = opened.store
  })
  afterAll(() => opened[Symbol.asyncDispose]())

  test('come back as they were put, whole and in part, small and large', async () => {
    expect(await store.put('ref/a/small', Buffer.from('hello'))).toBe(5)
    expect(await store.put('ref/a/large', inChunks(LARGE))).toBe(LARGE.length)
    expect(await store.put('ref/a/empty', Readable.from([]))).toBe(0)
    expect(await read(store, 'ref/a/small')).toEqual(Buffer.from('hello'))
    expect((await read(store, 'ref/a/large'))?.equals(LARGE)).toBe(true)
    expect(await read(store, 'ref/a/large', { first: 10, last: 1_000_009 })).toEqual(LARGE.subarray(10, 1_000_010))
    expect((await store.open('ref/a/large', { first: 0, last: 0 }))?.bytes).toBe(LARGE.length)
    expect((await read(store, 'ref/a/empty'))?.length).toBe(0)
    expect(await store.stat('ref/a/large')).toMatchObject({ bytes: LARGE.length })
  })

  test('that are not there are nothing', async () => {
    expect(await store.open('ref/none/x')).toBeUndefined()
    expect(await store.stat('ref/none/x')).toBeUndefined()
    expect(await store.copy('ref/none/x', 'ref/none/y')).toBe(false)
    await store.delete(['ref/none/x'])
    await store.deleteAll('ref/none/')
    expect(await collect(store, 'ref/none/')).toEqual([])
  })

  test('are copied, replaced whole, listed and deleted', async () => {
    await store.put('ref/b/x/1', Buffer.from('one'))
    expect(await store.copy('ref/b/x/1', 'ref/b/y/2')).toBe(true)
    await store.put('ref/b/x/1', Buffer.from('another'))
    expect(await read(store, 'ref/b/y/2')).toEqual(Buffer.from('one'))
    expect(await read(store, 'ref/b/x/1')).toEqual(Buffer.from('another'))
    expect(await collect(store, 'ref/b/')).toEqual(['ref/b/x/1', 'ref/b/y/2'])
    await store.delete(['ref/b/x/1'])
    expect(await collect(store, 'ref/b/')).toEqual(['ref/b/y/2'])
    await store.deleteAll('ref/b/')
    expect(await collect(store, 'ref/b/')).toEqual([])
    await store.put('ref/b/x/1', Buffer.from('again'))
    expect(await read(store, 'ref/b/x/1')).toEqual(Buffer.from('again'))
  })

  test('are joined from parts, which stay; nothing is there when one is missing', async () => {
    await store.put('ref/.uploads/1/a', inChunks(LARGE))
    await store.put('ref/.uploads/1/b', Buffer.from('tail'))
    await expect(store.join(['ref/.uploads/1/a', 'ref/.uploads/1/missing'], 'ref/c/joined')).rejects.toMatchObject({
      code: 'storage.part_missing',
    })
    expect(await store.stat('ref/c/joined')).toBeUndefined()
    expect(await store.join(['ref/.uploads/1/a', 'ref/.uploads/1/b'], 'ref/c/joined')).toBe(LARGE.length + 4)
    expect((await read(store, 'ref/c/joined'))?.equals(Buffer.concat([LARGE, Buffer.from('tail')]))).toBe(true)
    expect(await collect(store, 'ref/.uploads/')).toEqual(['ref/.uploads/1/a', 'ref/.uploads/1/b'])
  })

  test('whose source fails, or is refused on its way, are not there at all', async () => {
    const broken = Readable.from(
      (async function* () {
        yield LARGE.subarray(0, 3 << 20)
        await Promise.reject(new Error('gone'))
      })(),
    )
    await expect(store.put('ref/d/x', broken)).rejects.toThrow('gone')
    const refuse = () => {
      throw new Error('refused')
    }
    await expect(store.put('ref/d/x', inChunks(LARGE), { onChunk: refuse })).rejects.toThrow('refused')
    expect(await store.stat('ref/d/x')).toBeUndefined()
    expect(await collect(store, 'ref/d/')).toEqual([])
  })

  test('have no other keys than ours', async () => {
    for (const key of ['x', '/x', '../x/y', 'a/../b', 'a/./b', 'a//b', 'a/b/', 'a/b\0', 'a/b c', `a/${'b'.repeat(300)}`, 'a\\b/c']) {
      await expect(store.put(key, Buffer.from('')), key).rejects.toMatchObject({ code: 'system.unexpected' })
      await expect(store.open(key), key).rejects.toMatchObject({ code: 'system.unexpected' })
    }
    await expect(store.deleteAll('ref')).rejects.toMatchObject({ code: 'system.unexpected' })
    await expect(store.deleteAll('../')).rejects.toMatchObject({ code: 'system.unexpected' })
  })

  test('two writers of one key: one of them wins whole', async () => {
    const contents = Array.from({ length: 8 }, (_, index) => Buffer.alloc(300_000, index))
    await Promise.all(contents.map((bytes) => store.put('ref/e/x', inChunks(bytes))))
    const last = await read(store, 'ref/e/x')
    expect(contents.some((bytes) => bytes.equals(last!))).toBe(true)
  })
})

describe('files', () => {
  test('are seen by nobody while they come in, and swept when they never end', async () => {
    await using opened = await openTestStore('disk')
    const { store, folder } = opened
    const endless = new Readable({ read() {} })
    endless.push(LARGE)
    const putting = store.put('ref/a/x', endless)
    putting.catch(() => {})
    const incoming = path.join(folder, '.incoming')
    await expect.poll(() => readdir(incoming).catch(() => [])).toHaveLength(1)
    expect(await store.stat('ref/a/x')).toBeUndefined()
    endless.destroy()
    await expect(putting).rejects.toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' })
    expect(await readdir(incoming)).toEqual([])
    await writeFile(path.join(incoming, 'left'), 'x')
    await utimes(path.join(incoming, 'left'), 1, 1)
    await store.sweep(new Date(Date.now() - 1000))
    expect(await readdir(incoming)).toEqual([])
  })

  test('that are links to elsewhere are not read', async () => {
    await using opened = await openTestStore('disk')
    await mkdir(path.join(opened.folder, 'ref/a'), { recursive: true })
    await symlink('/etc/passwd', path.join(opened.folder, 'ref/a/x'))
    expect(await opened.store.open('ref/a/x')).toBeUndefined()
    expect(await opened.store.stat('ref/a/x')).toBeUndefined()
  })

  test('of a folder that somebody removed are written again', async () => {
    await using opened = await openTestStore('disk')
    await opened.store.put('ref/a/x', Buffer.from('1'))
    await opened.store.deleteAll('ref/')
    await opened.store.put('ref/a/x', Buffer.from('2'))
    expect(await read(opened.store, 'ref/a/x')).toEqual(Buffer.from('2'))
  })
})

test('property: any text is one segment of a key, and two texts are two, also on disks that fold case', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 150 }), fc.string({ unit: 'binary', maxLength: 150 }), (one, two) => {
      const [a, b] = [one.toWellFormed(), two.toWellFormed()]
      expect(toSegment(a)).toMatch(/^[A-Za-z0-9_~%-]{1,240}$/)
      expect(toSegment(a).toLowerCase() === toSegment(b).toLowerCase()).toBe(a === b)
    }),
    { numRuns: 500 },
  )
  expect(toSegment('avatars-1')).toBe('avatars-1')
  expect(toSegment('..')).toBe('%2E%2E')
})
