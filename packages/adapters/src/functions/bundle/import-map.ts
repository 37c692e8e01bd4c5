import { ServiceError } from '@polder/core'

/** Where bare and mapped specifiers lead, as an import map says. Addresses are relative to the map's own folder. */
export interface ImportMap {
  /** What the specifier stands for when a file imports it; undefined where the map says nothing. */
  resolve(specifier: string, importer: string): string | undefined
  /** Compiler options of a deno.json that decide how JSX is written. */
  readonly jsx: { jsx?: string; jsxFactory?: string; jsxFragmentFactory?: string; jsxImportSource?: string }
}

type Addresses = [prefix: string, address: string][]

const EMPTY: ImportMap = { resolve: () => undefined, jsx: {} }

/** Reads an import map or the parts of a deno.json that are one. Throws `functions.source_invalid`. */
export function parseImportMap(text: string | undefined, path: string): ImportMap {
  if (text === undefined) return EMPTY
  const value = parseJsonc(text, path)
  const folder = toFolder(path)
  const imports = toAddresses(value.imports, folder, path)
  const scopes = Object.entries(toObject(value.scopes, path)).map(([prefix, each]) => ({
    prefix: rebase(prefix, folder),
    imports: toAddresses(each, folder, path),
  }))
  scopes.sort((a, b) => b.prefix.length - a.prefix.length)
  return {
    jsx: toObject(value.compilerOptions, path) as ImportMap['jsx'],
    resolve(specifier, importer) {
      for (const scope of scopes) {
        if (importer !== scope.prefix && !(scope.prefix.endsWith('/') && importer.startsWith(scope.prefix))) continue
        const found = lookUp(scope.imports, specifier)
        if (found !== undefined) return found
      }
      return lookUp(imports, specifier)
    },
  }
}

function lookUp(imports: Addresses, specifier: string): string | undefined {
  for (const [prefix, address] of imports) {
    if (specifier === prefix) return address
    if (prefix.endsWith('/') && specifier.startsWith(prefix)) return address + specifier.slice(prefix.length)
  }
  return undefined
}

/** The longest first: a package's own entry wins over its prefix. */
function toAddresses(value: unknown, folder: string, path: string): Addresses {
  return Object.entries(toObject(value, path))
    .filter((entry): entry is [string, string] => typeof entry[1] === 'string')
    .flatMap(([name, address]): Addresses => {
      const rebased = rebase(address, folder)
      // deno.json lets a bare name stand for all below it too.
      const below: Addresses = /^(?:npm|jsr):/.test(rebased) && !name.endsWith('/') ? [[`${name}/`, `${rebased.replace(/\/$/, '')}/`]] : []
      return [[name, rebased], ...below]
    })
    .toSorted((a, b) => b[0].length - a[0].length)
}

function rebase(address: string, folder: string): string {
  if (!/^\.{0,2}\//.test(address)) return address
  if (address.startsWith('/')) return address
  // A slash at its end says that it stands for all below it.
  return `/${joinPath(folder, address)}${address.endsWith('/') ? '/' : ''}`
}

function toObject(value: unknown, path: string): Record<string, unknown> {
  if (value === undefined || value === null) return {}
  if (typeof value !== 'object' || Array.isArray(value))
    throw new ServiceError('functions.source_invalid', { message: `${path} is not an import map.` })
  return value as Record<string, unknown>
}

function parseJsonc(text: string, path: string): Record<string, unknown> {
  // Strings are matched first, so that what looks like a comment in one stays.
  const plain = text.replaceAll(/("(?:[^"\\]|\\.)*")|\/\/[^\n]*|\/\*[\s\S]*?\*\/|,(?=\s*[}\]])/g, '$1')
  try {
    return toObject(JSON.parse(plain), path)
  } catch (cause) {
    if (cause instanceof ServiceError) throw cause
    throw new ServiceError('functions.source_invalid', { message: `${path} is not JSON.`, cause })
  }
}

/** The folder of a path, without a slash at its end; empty for the root. */
export function toFolder(path: string): string {
  return path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : ''
}

/** A path from a folder on, with `.` and `..` worked out; whatever would lead out of the root stays at it. */
export function joinPath(folder: string, relative: string): string {
  const parts = folder === '' ? [] : folder.split('/')
  for (const part of relative.split('/')) {
    if (part === '' || part === '.') continue
    if (part === '..') parts.pop()
    else parts.push(part)
  }
  return parts.join('/')
}
