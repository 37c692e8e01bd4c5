import fs from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { ServiceError } from '@polder/core'

// Of node's three faces of the file system the one with callbacks costs least, and small objects are nothing but calls.
export const openFile = promisify(fs.open)
export const closeFile = promisify(fs.close)
export const syncFile = promisify(fs.fdatasync)
export const statFile = promisify(fs.fstat)
export const readFile = promisify(fs.read)
export const rename = promisify(fs.rename)
export const unlink = promisify(fs.unlink)
const writeSome = promisify(fs.writev)
const syncAll = promisify(fs.fsync)
const makeFolder = promisify(fs.mkdir)

/** Writes all of the buffers at the end of the file. */
export async function writeAll(file: number, buffers: Buffer[]): Promise<void> {
  let rest = buffers
  while (rest.length > 0) {
    let { bytesWritten } = await writeSome(file, rest)
    let at = 0
    while (at < rest.length && bytesWritten >= rest[at]!.length) bytesWritten -= rest[at++]!.length
    rest = at === rest.length ? [] : [rest[at]!.subarray(bytesWritten), ...rest.slice(at + 1)]
  }
}

/** Makes the folder and those above it that are missing, each on stable storage. */
export async function makeFolders(folder: string): Promise<void> {
  try {
    await makeFolder(folder, { mode: 0o700 })
  } catch (error) {
    if (isCode(error, 'EEXIST')) return
    if (!isCode(error, 'ENOENT')) throw error
    await makeFolders(path.dirname(folder))
    return makeFolders(folder)
  }
  await syncFolder(path.dirname(folder))
}

/** Brings the names in a folder to stable storage. */
export async function syncFolder(folder: string): Promise<void> {
  const file = await openFile(folder, fs.constants.O_RDONLY)
  try {
    await syncAll(file)
  } finally {
    await closeFile(file)
  }
}

export function isCode(error: unknown, ...codes: string[]): boolean {
  return codes.includes((error as NodeJS.ErrnoException | undefined)?.code ?? '')
}

/** What the operating system says of a write, in our words; other errors come back as they are. */
export function fromDiskError(error: unknown): unknown {
  if (isCode(error, 'ENOSPC', 'EDQUOT')) return new ServiceError('storage.no_space', { cause: error })
  if (isCode(error, 'EIO', 'EROFS', 'EMFILE', 'ENFILE', 'EACCES', 'EPERM')) {
    return new ServiceError('storage.store_unavailable', { cause: error })
  }
  return error
}
