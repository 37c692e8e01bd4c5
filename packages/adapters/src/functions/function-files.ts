import { buffer } from 'node:stream/consumers'
import { ServiceError, type FunctionSource } from '@polder/core'
import type { ObjectStore } from '../object-store/index.ts'

/** Where the bodies of functions are: objects of the project, so that whoever copies a project's objects has them too. */
export interface FunctionFiles {
  /** Keeps a version's source and bundle; when this returns, both survive the machine. */
  save(ref: string, id: string, version: number, source: FunctionSource, bundle: Buffer): Promise<void>
  /** Throws `functions.version_not_found`. */
  readBundle(ref: string, id: string, version: number): Promise<Buffer>
  /** Throws `functions.version_not_found`. */
  readSource(ref: string, id: string, version: number): Promise<FunctionSource>
  deleteVersion(ref: string, id: string, version: number): Promise<void>
  deleteFunction(ref: string, id: string): Promise<void>
  /** Versions that have a body, whether or not they ever served. */
  listVersions(ref: string, id: string): Promise<number[]>
}

type Store = Pick<ObjectStore, 'put' | 'open' | 'list' | 'deleteAll'>

/** Keeps them under `<ref>/functions/<id>/<version>/`. */
export function createFunctionFiles(store: Store): FunctionFiles {
  const prefixOf = (ref: string, id: string) => `${ref}/functions/${id}/`
  const keyOf = (ref: string, id: string, version: number, name: 'source.json' | 'bundle.js') => `${prefixOf(ref, id)}${version}/${name}`

  async function read(key: string): Promise<Buffer> {
    const opened = await store.open(key)
    if (opened === undefined) throw new ServiceError('functions.version_not_found')
    return Buffer.isBuffer(opened.body) ? opened.body : await buffer(opened.body)
  }

  return {
    async save(ref, id, version, source, bundle) {
      await Promise.all([
        store.put(keyOf(ref, id, version, 'source.json'), Buffer.from(JSON.stringify(source))),
        store.put(keyOf(ref, id, version, 'bundle.js'), bundle),
      ])
    },
    readBundle: (ref, id, version) => read(keyOf(ref, id, version, 'bundle.js')),
    async readSource(ref, id, version) {
      return JSON.parse((await read(keyOf(ref, id, version, 'source.json'))).toString('utf8')) as FunctionSource
    },
    deleteVersion: (ref, id, version) => store.deleteAll(`${prefixOf(ref, id)}${version}/`),
    deleteFunction: (ref, id) => store.deleteAll(prefixOf(ref, id)),
    async listVersions(ref, id) {
      const prefix = prefixOf(ref, id)
      const versions = new Set<number>()
      for await (const { key } of store.list(prefix)) versions.add(Number(/^\d+/.exec(key.slice(prefix.length))?.[0]))
      return [...versions].filter((version) => version > 0)
    },
  }
}
