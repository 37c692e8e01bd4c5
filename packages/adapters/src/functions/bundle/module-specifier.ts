import { builtinModules } from 'node:module'

/** A package that is asked for, and what of it. */
export interface PackageSpecifier {
  name: string
  /** A range or a tag; empty for whatever is newest. */
  range: string
  /** `.` or `./sub/path`. */
  path: string
}

const BUILTINS = new Set(builtinModules)

/** Reads `npm:name@range/path`, `npm:@scope/name`, `jsr:@scope/name@range/path`; undefined for anything else. */
export function parsePackageSpecifier(specifier: string): PackageSpecifier | undefined {
  const found = /^(npm|jsr):\/?(@[^/@]+\/[^/@]+|[^/@]+)(?:@([^/]*))?(\/.*)?$/.exec(specifier)
  if (found === null) return undefined
  const [, kind, name = '', range = '', rest = ''] = found
  const path = rest === '' || rest === '/' ? '.' : `.${rest}`
  // JSR hands its packages to npm under a scope of its own.
  return { name: kind === 'jsr' ? `@jsr/${name.slice(1).replace('/', '__')}` : name, range: decodeURIComponent(range), path }
}

/** Splits what a package's file imports by name alone. */
export function parseBareSpecifier(specifier: string): { name: string; path: string } | undefined {
  const found = /^(@[^/]+\/[^/]+|[^/.][^/]*)(\/.*)?$/.exec(specifier)
  return found === null ? undefined : { name: found[1] as string, path: found[2] === undefined ? '.' : `.${found[2]}` }
}

/** The built-in module with its prefix, for `fs` and `node:fs` alike. */
export function findBuiltin(specifier: string): string | undefined {
  const name = specifier.startsWith('node:') ? specifier.slice(5) : specifier
  return BUILTINS.has(name) || BUILTINS.has(name.split('/')[0] ?? '') ? `node:${name}` : undefined
}
