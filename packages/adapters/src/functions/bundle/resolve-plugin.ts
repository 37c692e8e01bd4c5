import path from 'node:path'
import type { Loader, OnLoadResult, OnResolveArgs, OnResolveResult, Plugin, PluginBuild } from 'esbuild'
import { isServiceError } from '@polder/core'
import { joinPath, toFolder, type ImportMap } from './import-map.ts'
import { findBuiltin, parseBareSpecifier, parsePackageSpecifier } from './module-specifier.ts'
import type { NpmPackage, NpmPackages } from './npm-packages.ts'
import type { RemoteModules } from './remote-modules.ts'
import type { SourceFiles } from './source-files.ts'
import { findMirroredPackage, findStandardModule } from './std-modules.ts'

export interface ResolveOptions {
  files: SourceFiles
  importMap: ImportMap
  packages: NpmPackages
  remote: RemoteModules
}

/** Marks look-ups of our own, which esbuild is to answer itself. */
const OURS = { isOurs: true }

/** Packages that a bare import means without any import map, as in functions made for Supabase. */
const IMPLIED: Record<string, string> = { '@supabase/supabase-js': '2' }

/**
 * Decides where every import leads: to an uploaded file, a package, a module by URL or a built-in of Deno, and to nothing else. A file
 * of this machine is read only inside of a package that the registry gave.
 */
export function resolvePlugin({ files, importMap, packages, remote }: ResolveOptions): Plugin {
  return {
    name: 'resolve',
    setup(build) {
      build.onResolve({ filter: /.*/ }, async (args) => {
        if (args.pluginData === OURS) return undefined
        try {
          return await resolve(build, args)
        } catch (error) {
          if (isServiceError(error)) return { errors: [{ text: error.message }] }
          throw error
        }
      })
      build.onLoad({ filter: /.*/, namespace: 'source' }, ({ path: file, with: attributes }) => loadSource(file, attributes))
      build.onLoad({ filter: /.*/, namespace: 'standard' }, ({ path: url }) => ({ contents: findStandardModule(url) ?? '', loader: 'js' }))
      build.onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path: name }) => ({
        contents: `export * from ${JSON.stringify(name)}; export { default } from ${JSON.stringify(name)}`,
        loader: 'js',
      }))
      build.onLoad({ filter: /.*/, namespace: 'remote' }, async ({ path: url }) => {
        const { code, isTypeScript } = await remote.read(url)
        return { contents: code, loader: isTypeScript ? (url.endsWith('x') ? 'tsx' : 'ts') : url.endsWith('.json') ? 'json' : 'js' }
      })
    },
  }

  async function resolve(build: PluginBuild, args: OnResolveArgs): Promise<OnResolveResult | undefined> {
    if (args.kind === 'entry-point') return { path: args.path, namespace: 'source' }
    if (args.namespace === 'file') return await resolveInPackage(build, args)
    if (args.namespace === 'builtin') return { path: args.path, external: true }
    if (args.namespace === 'remote') return await resolveSpecifier(build, args, new URL(args.path, args.importer).href)
    const importer = `/${args.importer}`
    const relative = /^\.{1,2}(?:\/|$)/.test(args.path) ? `/${joinPath(toFolder(args.importer), args.path)}` : undefined
    const mapped = importMap.resolve(relative ?? args.path, importer) ?? relative ?? args.path
    return await resolveSpecifier(build, args, mapped)
  }

  async function resolveSpecifier(build: PluginBuild, args: OnResolveArgs, specifier: string): Promise<OnResolveResult> {
    if (/^(?:file|data|blob):/.test(specifier))
      return refuse(args, 'only files of the upload, packages and https addresses can be imported')
    const standard = findStandardModule(specifier)
    if (standard !== undefined) return { path: specifier, namespace: 'standard' }
    if (specifier.startsWith('/')) return resolveSource(args, joinPath('', specifier))
    const wanted = parsePackageSpecifier(findMirroredPackage(specifier) ?? specifier)
    if (wanted !== undefined) return await resolvePackage(build, args, await packages.find(wanted.name, wanted.range), wanted.path)
    if (specifier.startsWith('https:')) return { path: (await remote.read(specifier)).url, namespace: 'remote' }
    if (specifier.startsWith('http:')) return refuse(args, 'only https addresses can be imported')
    const builtin = findBuiltin(specifier)
    if (builtin !== undefined) return { path: builtin, external: true }
    const bare = parseBareSpecifier(specifier)
    const range = bare && IMPLIED[bare.name]
    if (bare !== undefined && range !== undefined)
      return await resolvePackage(build, args, await packages.find(bare.name, range), bare.path)
    return refuse(args, `it is not in the import map; write npm:${bare?.name ?? specifier}, or add it to deno.json`)
  }

  function resolveSource(args: OnResolveArgs, file: string): OnResolveResult {
    const found = files.find(file)
    return found === undefined ? refuse(args, 'there is no such file in the upload') : { path: found, namespace: 'source' }
  }

  async function resolvePackage(build: PluginBuild, args: OnResolveArgs, found: NpmPackage, subpath: string): Promise<OnResolveResult> {
    const specifier = subpath === '.' ? found.name : `${found.name}/${subpath.slice(2)}`
    const result = await build.resolve(specifier, { resolveDir: found.root, kind: args.kind, pluginData: OURS })
    return keepInside(args, found, result)
  }

  /** What a package's own files import: files beside them, other packages by name, built-ins. */
  async function resolveInPackage(build: PluginBuild, args: OnResolveArgs): Promise<OnResolveResult | undefined> {
    const owner = packages.ownerOf(args.importer)
    if (owner === undefined) return refuse(args, 'it is asked for by a file of no package')
    const builtin = findBuiltin(args.path)
    if (builtin !== undefined) {
      // `require` of a built-in has no meaning in a module: it gets one that hands on what an import gives.
      return args.kind === 'require-call' || args.kind === 'require-resolve'
        ? { path: builtin, namespace: 'builtin' }
        : { path: builtin, external: true }
    }
    const wanted = parsePackageSpecifier(args.path)
    if (wanted !== undefined) return await resolvePackage(build, args, await packages.find(wanted.name, wanted.range), wanted.path)
    const isOwn =
      args.path.startsWith('.') || args.path.startsWith('#') || args.path === owner.name || args.path.startsWith(`${owner.name}/`)
    if (!isOwn) {
      const bare = parseBareSpecifier(args.path)
      if (bare === undefined) return refuse(args, 'a package may not import it')
      const range = owner.dependencies[bare.name]
      if (range === undefined) return missing(args)
      try {
        return await resolvePackage(build, args, await packages.find(...toFound(bare.name, range), owner), bare.path)
      } catch (error) {
        if (isOptional(args)) return missing(args)
        throw error
      }
    }
    const result = await build.resolve(args.path, {
      resolveDir: args.resolveDir,
      importer: args.importer,
      kind: args.kind,
      pluginData: OURS,
    })
    const kept = keepInside(args, owner, result)
    // Where esbuild may go by itself it also knows whether the file is a module by its package.json.
    return kept.namespace === 'file' ? undefined : kept
  }

  function loadSource(file: string, attributes: Record<string, string>): OnLoadResult {
    const contents = files.read(file)
    if (contents === undefined) return { errors: [{ text: `There is no file ${file}.` }] }
    return { contents, loader: toLoader(file, attributes.type) }
  }
}

/** A dependency may name another package for its own name: `npm:other@1`. */
function toFound(name: string, range: string): [name: string, range: string] {
  const alias = range.startsWith('npm:') ? parsePackageSpecifier(range) : undefined
  return alias === undefined ? [name, range] : [alias.name, alias.range]
}

function toLoader(file: string, type: string | undefined): Loader {
  if (type === 'text') return 'text'
  if (type === 'bytes') return 'binary'
  if (type === 'json') return 'json'
  switch (path.posix.extname(file)) {
    case '.ts':
    case '.mts':
    case '.cts':
      return 'ts'
    case '.tsx':
      return 'tsx'
    case '.jsx':
      return 'jsx'
    case '.json':
      return 'json'
    case '.txt':
    case '.md':
    case '.html':
    case '.sql':
      return 'text'
    default:
      return 'js'
  }
}

function keepInside(args: OnResolveArgs, owner: NpmPackage, result: OnResolveResult & { errors: { text: string }[] }): OnResolveResult {
  if (result.errors.length > 0) return isOptional(args) ? missing(args) : { errors: [{ text: result.errors[0]?.text ?? 'not found' }] }
  if (result.external === true) return { path: args.path, external: true }
  const file = result.path ?? ''
  // Browsers' replacements of built-ins are empty files of esbuild's own.
  if (result.namespace !== 'file') return { path: file, namespace: result.namespace ?? '', pluginData: OURS }
  if (!file.startsWith(owner.folder + path.sep)) return refuse(args, `it is outside of the package ${owner.name}`)
  return { path: file, namespace: 'file', ...(result.sideEffects !== undefined && { sideEffects: result.sideEffects }) }
}

const isOptional = (args: OnResolveArgs): boolean => args.kind === 'require-call' || args.kind === 'dynamic-import'

/** What a package would like to have and can do without fails where it is used, not where it is bundled. */
function missing(args: OnResolveArgs): OnResolveResult {
  return isOptional(args) ? { path: args.path, external: true } : refuse(args, 'the package does not name it among its dependencies')
}

function refuse(args: OnResolveArgs, reason: string): OnResolveResult {
  return { errors: [{ text: `${JSON.stringify(args.path)} cannot be imported: ${reason}.` }] }
}
