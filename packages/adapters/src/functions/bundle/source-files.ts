import { isSourcePath, ServiceError, SOURCE_LIMITS, type FunctionSource } from '@polder/core'
import { joinPath, toFolder } from './import-map.ts'

/** The uploaded files by path. */
export interface SourceFiles {
  read(path: string): Uint8Array | undefined
  readText(path: string): string | undefined
  /** The file that a specifier without its extension may mean, as Deno with sloppy imports finds it. */
  find(path: string): string | undefined
  readonly bytes: number
}

const EXTENSIONS = ['.ts', '.tsx', '.mts', '.js', '.mjs', '.jsx', '.json']

/** Checks an upload. Throws `functions.source_invalid` or `functions.source_too_large`. */
export function openSourceFiles(source: FunctionSource): SourceFiles {
  const files = new Map<string, Uint8Array>()
  let bytes = 0
  for (const { path, content, encoding } of source.files) {
    if (!isSourcePath(path)) throw invalid(`The path ${JSON.stringify(path.slice(0, 100))} is not one inside the upload.`)
    if (files.has(path)) throw invalid(`There are two files ${path}.`)
    const data = Buffer.from(content, encoding === 'base64' ? 'base64' : 'utf8')
    bytes += data.length
    if (bytes > SOURCE_LIMITS.bytes) throw new ServiceError('functions.source_too_large')
    files.set(path, data)
  }
  if (files.size > SOURCE_LIMITS.files) throw new ServiceError('functions.source_too_large')
  if (!files.has(source.entrypoint)) throw invalid(`There is no file ${source.entrypoint}, which is to be run.`)
  return {
    bytes,
    read: (path) => files.get(path),
    readText: (path) => {
      const data = files.get(path)
      return data && Buffer.from(data).toString('utf8')
    },
    find(path) {
      if (files.has(path)) return path
      const swapped = path.replace(/\.(m?)js(x?)$/, '.$1ts$2')
      const candidates = [swapped, ...EXTENSIONS.map((end) => path + end), ...EXTENSIONS.map((end) => joinPath(path, `index${end}`))]
      return candidates.find((each) => files.has(each))
    },
  }
}

/** The path of the import map that holds for the upload; undefined where there is none. */
export function findImportMapPath(source: FunctionSource, files: SourceFiles): string | undefined {
  if (source.importMap != null) {
    if (files.read(source.importMap) === undefined) throw invalid(`There is no file ${source.importMap}, the import map.`)
    return source.importMap
  }
  for (let folder = toFolder(source.entrypoint); ; folder = toFolder(folder)) {
    for (const name of ['deno.json', 'deno.jsonc', 'import_map.json']) {
      const path = folder === '' ? name : `${folder}/${name}`
      if (files.read(path) !== undefined) return path
    }
    if (folder === '') return undefined
  }
}

function invalid(message: string): ServiceError {
  return new ServiceError('functions.source_invalid', { message })
}
