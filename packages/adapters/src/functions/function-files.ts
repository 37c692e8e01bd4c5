import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { ServiceError, type FunctionSource } from '@polder/core'

/** Where the bodies of functions are: files of the project, so that whoever copies a project's files has them too. */
export interface FunctionFiles {
  /** Keeps a version's source and bundle; when this returns, both survive the machine. */
  save(ref: string, id: string, version: number, source: FunctionSource, bundle: Buffer): Promise<void>
  readBundle(ref: string, id: string, version: number): Promise<Buffer>
  readSource(ref: string, id: string, version: number): Promise<FunctionSource>
  deleteVersion(ref: string, id: string, version: number): Promise<void>
  deleteFunction(ref: string, id: string): Promise<void>
  /** Versions that have files, whether or not they ever served. */
  listVersions(ref: string, id: string): Promise<number[]>
}

const BUNDLE = 'bundle.js'
const SOURCE = 'source.json'

/** Keeps them below each project's folder, in `functions/<id>/<version>/`. */
export function createFunctionFiles(projectFolder: (ref: string) => string): FunctionFiles {
  const folderOf = (ref: string, id: string) => path.join(projectFolder(ref), 'functions', id)
  const versionOf = (ref: string, id: string, version: number) => path.join(folderOf(ref, id), String(version))
  return {
    async save(ref, id, version, source, bundle) {
      const target = versionOf(ref, id, version)
      const draft = `${target}.${process.pid}.new`
      await rm(draft, { recursive: true, force: true })
      await mkdir(draft, { recursive: true, mode: 0o700 })
      await writeDurably(path.join(draft, SOURCE), Buffer.from(JSON.stringify(source)))
      await writeDurably(path.join(draft, BUNDLE), bundle)
      // A version that never served may have left its files.
      await rm(target, { recursive: true, force: true })
      await rename(draft, target)
      await syncFolder(folderOf(ref, id))
    },
    readBundle: (ref, id, version) => read(path.join(versionOf(ref, id, version), BUNDLE)),
    async readSource(ref, id, version) {
      return JSON.parse((await read(path.join(versionOf(ref, id, version), SOURCE))).toString('utf8')) as FunctionSource
    },
    deleteVersion: (ref, id, version) => rm(versionOf(ref, id, version), { recursive: true, force: true }),
    deleteFunction: (ref, id) => rm(folderOf(ref, id), { recursive: true, force: true }),
    async listVersions(ref, id) {
      const names = await readdir(folderOf(ref, id)).catch(() => [])
      return names.filter((name) => /^\d+$/.test(name)).map(Number)
    },
  }
}

async function read(file: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (cause) {
    throw new ServiceError('functions.version_not_found', { cause })
  }
}

async function writeDurably(file: string, data: Buffer): Promise<void> {
  const handle = await open(file, 'wx', 0o600)
  try {
    await handle.writeFile(data)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
