import { execFile } from 'node:child_process'
import { chown, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { OperatingUser } from './operating-user.ts'
import { CLEAN_ENVIRONMENT } from './postmaster.ts'
import type { ServerBinaries } from './server-binaries.ts'

const run = promisify(execFile)

export interface InitialDataOptions {
  data: string
  binaries: ServerBinaries
  user: OperatingUser
  superuserPassword: string
  /** Whether to wait for the disk. */
  isDurable: boolean
}

/**
 * Makes the server's data folder when there is none yet; it appears whole or not at all. Throws one clear line when there is
 * one of another major version, or when initdb fails (with its last words).
 */
export async function makeInitialData({ data, binaries, user, superuserPassword, isDurable }: InitialDataOptions): Promise<void> {
  const major = await readMajor(data)
  if (major !== undefined) {
    const wanted = /^\d+/.exec(binaries.version)?.[0]
    if (major !== wanted) {
      throw new Error(
        `The data in ${data} is of Postgres ${major}, the programs are Postgres ${binaries.version}: use ${major}'s programs (POLDER_POSTGRES_BIN).`,
      )
    }
    return
  }
  const partial = `${data}.new`
  const passwordFile = `${data}.password`
  await rm(partial, { recursive: true, force: true })
  await makeFolderFor(user, partial)
  await writeFile(passwordFile, superuserPassword, { mode: 0o600 })
  try {
    if (user.uid !== undefined && user.gid !== undefined) await chown(passwordFile, user.uid, user.gid)
    await run(join(binaries.folder, 'initdb'), toArguments(partial, passwordFile, isDurable), {
      cwd: partial,
      env: CLEAN_ENVIRONMENT,
      uid: user.uid,
      gid: user.gid,
    })
    await rename(partial, data)
  } catch (cause) {
    const words = String((cause as { stderr?: string }).stderr ?? '')
      .trim()
      .split('\n')
      .slice(-3)
      .join(' ')
    throw new Error(`Postgres' data folder could not be made in ${data}: ${words || (cause as Error).message}`, { cause })
  } finally {
    await rm(passwordFile, { force: true })
  }
}

function toArguments(data: string, passwordFile: string, isDurable: boolean): string[] {
  return [
    `--pgdata=${data}`,
    '--username=postgres',
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    // the server's own locale: the same order of texts on every machine, also after the system's libraries change
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--text-search-config=pg_catalog.english',
    '--no-instructions',
    ...(isDurable ? [] : ['--no-sync']),
  ]
}

/** Makes a folder that only Postgres' user (and root) can enter. */
export async function makeFolderFor(user: OperatingUser, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  if (user.uid !== undefined && user.gid !== undefined) await chown(folder, user.uid, user.gid)
}

async function readMajor(data: string): Promise<string | undefined> {
  try {
    return (await readFile(join(data, 'PG_VERSION'), 'utf8')).trim()
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    throw new Error(`The data in ${data} cannot be read (${code}): it belongs to another user, who started it before.`, { cause })
  }
}
