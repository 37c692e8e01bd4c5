import { existsSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { ServiceError } from '@polder/core'
import semver from 'semver'
import { hasIntegrity, readTarball } from './tarball.ts'

export interface NpmPackagesOptions {
  /** Folder for unpacked packages, kept between deploys. */
  folder: string
  /** Base URL of the npm registry, and of the one that carries JSR's packages under npm's names. */
  registry: string
  jsrRegistry: string
  fetch?: typeof fetch
}

/** A package of one version on disk. `root` is a folder with it in `node_modules`, so that its exports are found as usual. */
export interface NpmPackage {
  name: string
  version: string
  root: string
  /** The package's own folder. */
  folder: string
  dependencies: Record<string, string>
  /** Whether it came with the server. */
  isBundled: boolean
}

/** Packages of the registries, fetched when a function is deployed. */
export interface NpmPackages {
  /** The best version that the range allows. Throws `functions.bundle_failed`. */
  find(name: string, range: string, importer?: NpmPackage): Promise<NpmPackage>
  /** The package that a file on disk belongs to. */
  ownerOf(file: string): NpmPackage | undefined
}

interface Metadata {
  'dist-tags'?: Record<string, string>
  versions?: Record<string, { dist?: { tarball?: string; integrity?: string }; deprecated?: string }>
}

const MAX_PACKAGE_BYTES = 64 * 1024 * 1024
const TIMEOUT_MS = 20_000
/** What the registry said of a package is believed for this long. */
const METADATA_MS = 5 * 60_000
const NAME = /^(?:@[a-z0-9~_-][a-z0-9._~-]*\/)?[a-z0-9~_-][a-z0-9._~-]*$/i
/** Comes with the server, and what it needs with it: that takes no registry. */
const BUNDLED = '@supabase/supabase-js'

export function createNpmPackages(options: NpmPackagesOptions): NpmPackages {
  const { folder, fetch: get = fetch } = options
  const metadata = new Map<string, { at: number; found: Promise<Metadata> }>()
  const opened = new Map<string, Promise<NpmPackage>>()
  const byFolder = new Map<string, NpmPackage>()

  function readMetadata(name: string): Promise<Metadata> {
    const known = metadata.get(name)
    if (known !== undefined && Date.now() - known.at < METADATA_MS) return known.found
    const base = name.startsWith('@jsr/') ? options.jsrRegistry : options.registry
    const found = ask(new URL(name.replace('/', '%2f'), base.endsWith('/') ? base : `${base}/`), name).then(
      (response) => response.json() as Promise<Metadata>,
    )
    found.catch(() => metadata.delete(name))
    if (metadata.size > 2000) metadata.clear()
    metadata.set(name, { at: Date.now(), found })
    return found
  }

  async function ask(url: URL, name: string): Promise<Response> {
    let response: Response
    try {
      const headers = { accept: 'application/vnd.npm.install-v1+json; q=1.0, */*; q=0.5' }
      response = await get(url, { headers, signal: AbortSignal.timeout(TIMEOUT_MS) })
    } catch (cause) {
      throw failed(`The package ${name} cannot be fetched: the registry ${url.host} does not answer.`, cause)
    }
    if (response.status === 404) throw failed(`There is no package ${name} at ${url.host}.`)
    if (!response.ok) throw failed(`The registry ${url.host} answers ${response.status} for ${name}.`)
    return response
  }

  function findBundled(name: string, range: string, importer: NpmPackage | undefined): NpmPackage | undefined {
    const from = name === BUNDLED ? import.meta.dirname : importer?.isBundled ? importer.folder : undefined
    const home = from === undefined ? undefined : findInstalled(name, from)
    if (home === undefined) return undefined
    const found = readPackage(home, home.slice(0, -`/node_modules/${name}`.length), true)
    return range === '' || range === 'latest' || semver.satisfies(found.version, range) ? found : undefined
  }

  async function chooseVersion(name: string, range: string): Promise<{ version: string; tarball: string; integrity: string | undefined }> {
    const { versions = {}, 'dist-tags': tags = {} } = await readMetadata(name)
    const wanted = range === '' ? 'latest' : range
    const version = tags[wanted] ?? semver.maxSatisfying(Object.keys(versions), wanted)
    const dist = version == null ? undefined : versions[version]?.dist
    if (version == null || dist?.tarball === undefined) throw failed(`The package ${name} has no version ${wanted}.`)
    return { version, tarball: dist.tarball, integrity: dist.integrity }
  }

  async function download(name: string, range: string): Promise<NpmPackage> {
    const { version, tarball, integrity } = await chooseVersion(name, range)
    const root = path.join(folder, `${name.replace('/', '+')}@${version}`)
    const home = path.join(root, 'node_modules', name)
    if (!existsSync(root)) {
      const bytes = Buffer.from(await (await ask(new URL(tarball), name)).arrayBuffer())
      if (integrity !== undefined && !hasIntegrity(bytes, integrity))
        throw failed(`The package ${name}@${version} is not what the registry vouches for.`)
      unpack(bytes, name, root)
    }
    return readPackage(home, root, false)
  }

  function unpack(bytes: Buffer, name: string, root: string): void {
    // Unpacked beside and renamed: whoever finds the folder finds a whole package.
    const draft = `${root}.${process.pid}.${Math.random().toString(36).slice(2)}`
    try {
      for (const { path: file, data } of readTarball(bytes, MAX_PACKAGE_BYTES)) {
        const target = path.join(draft, 'node_modules', name, file)
        mkdirSync(path.dirname(target), { recursive: true })
        writeFileSync(target, data)
      }
      renameSync(draft, root)
    } catch (cause) {
      rmSync(draft, { recursive: true, force: true })
      if (!existsSync(root)) throw failed(`The package ${name} cannot be unpacked.`, cause)
    }
  }

  return {
    find(name, range, importer) {
      if (!NAME.test(name)) return Promise.reject(failed(`${JSON.stringify(name)} is not the name of a package.`))
      const key = `${name}@${range}@${importer?.isBundled ? importer.folder : ''}`
      let found = opened.get(key)
      if (found === undefined) {
        const bundled = findBundled(name, range, importer)
        found = bundled === undefined ? download(name, range) : Promise.resolve(bundled)
        if (opened.size > 2000) opened.clear()
        opened.set(key, found)
        found.then(
          (each) => byFolder.set(each.folder, each),
          () => opened.delete(key),
        )
      }
      return found
    },
    ownerOf(file) {
      const at = file.lastIndexOf('/node_modules/')
      if (at < 0) return undefined
      const [scope = '', name = ''] = file.slice(at + '/node_modules/'.length).split('/')
      return byFolder.get(path.join(file.slice(0, at), 'node_modules', scope.startsWith('@') ? `${scope}/${name}` : scope))
    },
  }
}

function readPackage(folder: string, root: string, isBundled: boolean): NpmPackage {
  const text = readFileSync(path.join(folder, 'package.json'), 'utf8')
  const manifest = JSON.parse(text) as Record<string, unknown>
  const named = (key: string) => (manifest[key] ?? {}) as Record<string, string>
  return {
    name: String(manifest.name),
    version: String(manifest.version),
    root,
    folder,
    isBundled,
    dependencies: { ...named('peerDependencies'), ...named('optionalDependencies'), ...named('dependencies') },
  }
}

/** Where a package lies that code in the folder would find. */
function findInstalled(name: string, from: string): string | undefined {
  for (let folder = from; folder !== path.dirname(folder); folder = path.dirname(folder)) {
    const home = path.join(folder, 'node_modules', name)
    if (existsSync(path.join(home, 'package.json'))) return realpathSync(home)
  }
  return undefined
}

function failed(message: string, cause?: unknown): ServiceError {
  return new ServiceError('functions.bundle_failed', { message, cause })
}
