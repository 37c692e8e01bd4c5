import { randomUUID } from 'node:crypto'
import fs from 'node:fs'
import { copyFile, link, lstat, opendir, rm } from 'node:fs/promises'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { ServiceError } from '@polder/core'
import {
  closeFile,
  fromDiskError,
  isCode,
  makeFolders,
  openFile,
  readFile,
  rename,
  statFile,
  syncFile,
  syncFolder,
  unlink,
  writeAll,
} from './disk-files.ts'
import { requireKey, requirePrefix } from './object-key.ts'
import type { ByteSpan, ObjectStore, OpenedObject, PutOptions, StoredObject } from './object-store.ts'
import { writeStream } from './write-stream.ts'

export interface DiskObjectStoreOptions {
  /** Everything lies under it: the key is the path. */
  folder: string
}

/** Up to here an object is read at once. */
const WHOLE_BYTES = 256 * 1024
const READ_BYTES = 1 << 20

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = fs.constants

/** Objects as files. Being written, they lie in `.incoming`; complete and on stable storage, they are renamed to where their key says. */
export function createDiskObjectStore({ folder }: DiskObjectStoreOptions): ObjectStore {
  const incoming = path.join(folder, '.incoming')
  // Folders that were made; one that was removed since is made again.
  const known = new Set<string>()

  const toPath = (key: string) => path.join(folder, ...requireKey(key))

  async function makeIncoming<Result>(write: (file: number) => Promise<Result>): Promise<{ name: string; result: Result }> {
    const name = path.join(incoming, randomUUID())
    const flags = O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY
    const file = await openFile(name, flags, 0o600).catch(async (error: unknown) => {
      if (!isCode(error, 'ENOENT')) throw error
      await makeFolders(incoming)
      return openFile(name, flags, 0o600)
    })
    try {
      const result = await write(file)
      await syncFile(file)
      return { name, result }
    } catch (error) {
      await unlink(name).catch(() => {})
      throw error
    } finally {
      await closeFile(file)
    }
  }

  /** Gives what was written its name. */
  async function place(name: string, target: string): Promise<void> {
    const home = path.dirname(target)
    try {
      if (!known.has(home)) await makeFolders(home)
      await rename(name, target).catch(async (error: unknown) => {
        if (!isCode(error, 'ENOENT')) throw error
        await makeFolders(home)
        await rename(name, target)
      })
      await syncFolder(home)
    } catch (error) {
      await unlink(name).catch(() => {})
      throw error
    }
    if (known.size >= 10_000) known.clear()
    known.add(home)
  }

  async function put(key: string, source: Readable | Buffer, options: PutOptions = {}): Promise<number> {
    const target = toPath(key)
    try {
      if (Buffer.isBuffer(source)) options.onChunk?.(source)
      const { name, result } = await makeIncoming(async (file) => {
        if (!Buffer.isBuffer(source)) return writeStream(file, source, options.onChunk)
        await writeAll(file, [source])
        return source.length
      })
      await place(name, target)
      return result
    } catch (error) {
      throw fromDiskError(error)
    }
  }

  async function open(key: string, span?: ByteSpan): Promise<OpenedObject | undefined> {
    const target = toPath(key)
    let file: number
    try {
      file = await openFile(target, O_RDONLY | O_NOFOLLOW)
    } catch (error) {
      if (isCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return undefined
      throw fromDiskError(error)
    }
    let isLent = false
    try {
      const found = await statFile(file)
      if (!found.isFile()) return undefined
      const bytes = found.size
      const { first, last } = span ?? { first: 0, last: bytes - 1 }
      const length = Math.max(0, last - first + 1)
      if (length <= WHOLE_BYTES) return { bytes, body: await readWhole(file, first, length) }
      isLent = true
      return { bytes, body: fs.createReadStream('', { fd: file, start: first, end: last, highWaterMark: READ_BYTES }) }
    } finally {
      if (!isLent) await closeFile(file)
    }
  }

  async function stat(key: string): Promise<StoredObject | undefined> {
    const found = await lstat(toPath(key)).catch((error: unknown) => {
      if (isCode(error, 'ENOENT', 'ENOTDIR')) return undefined
      throw fromDiskError(error)
    })
    return found?.isFile() ? { key, bytes: found.size, modifiedAt: found.mtime } : undefined
  }

  async function copy(from: string, to: string): Promise<boolean> {
    const [source, target] = [toPath(from), toPath(to)]
    const name = path.join(incoming, randomUUID())
    try {
      await makeFolders(incoming)
      // Objects are never changed, so a second name for the same bytes is a copy of them.
      await link(source, name).catch(async (error: unknown) => {
        if (isCode(error, 'ENOENT', 'ENOTDIR')) throw error
        await copyFile(source, name, fs.constants.COPYFILE_FICLONE)
      })
      await place(name, target)
      return true
    } catch (error) {
      if (isCode(error, 'ENOENT', 'ENOTDIR')) return false
      throw fromDiskError(error)
    }
  }

  async function join(from: readonly string[], to: string, { onChunk }: PutOptions = {}): Promise<number> {
    const target = toPath(to)
    const sources = from.map(toPath)
    try {
      const { name, result } = await makeIncoming(async (file) => {
        let total = 0
        for (const source of sources) total += await writeStream(file, fs.createReadStream(source, { highWaterMark: READ_BYTES }), onChunk)
        return total
      })
      await place(name, target)
      return result
    } catch (error) {
      if (isCode(error, 'ENOENT')) throw new ServiceError('storage.part_missing', { cause: error })
      throw fromDiskError(error)
    }
  }

  return {
    kind: 'disk',
    put,
    open,
    stat,
    copy,
    join,
    async delete(keys) {
      for (const key of keys) {
        await unlink(toPath(key)).catch((error: unknown) => {
          if (!isCode(error, 'ENOENT', 'ENOTDIR')) throw fromDiskError(error)
        })
      }
    },
    async deleteAll(prefix) {
      const target = path.join(folder, ...requirePrefix(prefix))
      await rm(target, { recursive: true, force: true, maxRetries: 3 })
      for (const home of known) if (home === target || home.startsWith(`${target}${path.sep}`)) known.delete(home)
    },
    async *list(prefix) {
      const segments = requirePrefix(prefix)
      yield* walk(path.join(folder, ...segments), segments)
    },
    async sweep(before) {
      for await (const name of namesIn(incoming)) {
        const file = path.join(incoming, name)
        const found = await lstat(file).catch(() => undefined)
        if (found && found.mtime < before) await rm(file, { recursive: true, force: true })
      }
    },
  }
}

async function readWhole(file: number, first: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length)
  let got = 0
  while (got < length) {
    const { bytesRead } = await readFile(file, buffer, got, length - got, first + got)
    if (bytesRead === 0) return buffer.subarray(0, got)
    got += bytesRead
  }
  return buffer
}

async function* walk(folder: string, segments: string[]): AsyncIterable<StoredObject> {
  for await (const name of namesIn(folder)) {
    const found = await lstat(path.join(folder, name)).catch(() => undefined)
    if (found?.isDirectory()) yield* walk(path.join(folder, name), [...segments, name])
    else if (found?.isFile()) yield { key: [...segments, name].join('/'), bytes: found.size, modifiedAt: found.mtime }
  }
}

async function* namesIn(folder: string): AsyncIterable<string> {
  const entries = await opendir(folder).catch((error: unknown) => {
    if (isCode(error, 'ENOENT', 'ENOTDIR')) return undefined
    throw error
  })
  if (entries) for await (const { name } of entries) yield name
}
