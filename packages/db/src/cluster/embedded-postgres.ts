import { createHash } from 'node:crypto'
import { chown, readFile, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Observe } from '@polder/core'
import { Client } from 'pg'
import { findFreePort } from './free-port.ts'
import { makeFolderFor, makeInitialData } from './initial-data.ts'
import { findOperatingUser, type OperatingUser } from './operating-user.ts'
import { DEFAULT_SETTINGS, toPgHba, toPostgresConf, type PostgresSettings } from './postgres-settings.ts'
import { findRunningPostmaster, isAlive, spawnPostmaster, stopPostmaster, waitUntilReady } from './postmaster.ts'
import { makeServerFolder, makeSocketFolder, requireReachable } from './reachable-folder.ts'
import { copyPackagedServer, readServerVersion, type ServerBinaries } from './server-binaries.ts'
import { toClientConfig, type ServerAddress } from './server-address.ts'

export interface EmbeddedPostgresOptions {
  /** Holds everything of the server: programs, data, log, socket. */
  folder: string
  /** The wanted port; the next free one is taken when it is in use. */
  port: number
  superuserPassword: string
  /** Folder with the machine's own `postgres` and `initdb`, instead of npm's. */
  binaries?: string
  /** Settings of postgresql.conf that overrule ours. */
  settings?: PostgresSettings
  observe: Observe
}

/** A Postgres server of our own that runs beside this process, and outlives it if it has to. */
export interface EmbeddedPostgres {
  address: ServerAddress
  /** As `server_version_num`, for example 180004. */
  version: number
  /** The server of an earlier process was still running and is used further. */
  wasAdopted: boolean
  /** Ends the server and waits until it is gone. */
  stop(): Promise<void>
}

const START_TIMEOUT_MS = 120_000

/**
 * Starts Postgres from npm's or the given programs in `folder`, or adopts the one that is still running there. Throws an Error
 * of one clear line when the port, the folder, its data or the programs do not allow it.
 */
export async function openEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const folder = resolve(options.folder)
  const data = join(folder, 'data')
  const user = findOperatingUser()
  await makeServerFolder(folder)
  const binaries = await openBinaries(folder, options.binaries)
  requireReachable(join(binaries.folder, 'postgres'), user)
  const isDurable = options.settings?.['fsync'] !== false
  await makeInitialData(data, binaries, user, options.superuserPassword, isDurable)
  await makeFolderFor(user, join(folder, 'log'))
  const socketFolder = await makeSocketFolder(folder, user)
  const paths = { folder, data, socketFolder }

  const adopted = await adopt(paths, options)
  if (adopted) return adopted
  options.observe({ kind: 'cluster', event: 'starting', message: `Postgres ${binaries.version} in ${folder}` })
  return start(paths, binaries, user, options)
}

interface Paths {
  folder: string
  data: string
  socketFolder: string
}

async function openBinaries(folder: string, own: string | undefined): Promise<ServerBinaries> {
  if (own === undefined) return copyPackagedServer(folder)
  return { folder: resolve(own), version: readServerVersion(resolve(own)), isPruned: false }
}

async function adopt(paths: Paths, options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres | undefined> {
  const running = findRunningPostmaster(paths.data)
  if (!running) return undefined
  await waitUntilReady(paths.data, () => isAlive(running.pid), START_TIMEOUT_MS)
  const address = { host: '127.0.0.1', port: running.port, socketFolder: running.socketFolder }
  const isSame = (await readFile(join(paths.folder, 'settings'), 'utf8').catch(() => '')) === digestSettings(paths, running.port, options)
  if (!isSame) {
    // made by another release of this code: its settings need a start of its own
    await stopPostmaster(paths.data, running.pid)
    return undefined
  }
  const version = await ask(address, paths, options.superuserPassword)
  options.observe({ kind: 'cluster', event: 'adopted', message: `Postgres was still running on port ${running.port}` })
  return { address, version, wasAdopted: true, stop: makeStop(paths, running.pid, options.observe) }
}

async function start(
  paths: Paths,
  binaries: ServerBinaries,
  user: OperatingUser,
  options: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> {
  for (let wanted = options.port, attempt = 0; ; attempt += 1) {
    const port = await findFreePort(wanted)
    await writeConfiguration(paths, user, port, options)
    const startupLog = join(paths.folder, 'log', 'start.log')
    const child = spawnPostmaster(binaries.folder, paths.data, startupLog, user)
    let hasEnded = false
    child.once('error', () => (hasEnded = true))
    child.once('exit', () => (hasEnded = true))
    child.unref()
    const isReady = await waitUntilReady(paths.data, () => !hasEnded, START_TIMEOUT_MS)
    if (isReady && child.pid !== undefined) {
      const address = { host: '127.0.0.1', port, socketFolder: paths.socketFolder }
      const version = await ask(address, paths, options.superuserPassword)
      options.observe({ kind: 'cluster', event: 'started', message: `Postgres ${binaries.version} on port ${port}` })
      return { address, version, wasAdopted: false, stop: makeStop(paths, child.pid, options.observe) }
    }
    const words = await readLastWords(paths.folder, startupLog)
    const lostThePort = /could not bind|Address already in use|could not create any TCP/.test(words)
    if (!lostThePort || attempt >= 10) throw new Error(`Postgres did not start in ${paths.folder}: ${words || 'no answer'}`)
    wanted = port + 1
  }
}

async function writeConfiguration(paths: Paths, user: OperatingUser, port: number, options: EmbeddedPostgresOptions): Promise<void> {
  const { conf, hba } = makeConfiguration(paths, port, options)
  for (const [name, text] of [
    ['postgresql.conf', conf],
    ['pg_hba.conf', hba],
  ] as const) {
    const file = join(paths.data, name)
    await writeFile(file, text, { mode: 0o600 })
    if (user.uid !== undefined && user.gid !== undefined) await chown(file, user.uid, user.gid)
  }
  // settings of an ALTER SYSTEM would overrule ours
  await rm(join(paths.data, 'postgresql.auto.conf'), { force: true })
  await writeFile(join(paths.folder, 'settings'), digestSettings(paths, port, options))
  await writeFile(join(paths.folder, 'port'), `${port}\n`)
}

function makeConfiguration(paths: Paths, port: number, options: EmbeddedPostgresOptions): { conf: string; hba: string } {
  const conf = toPostgresConf({
    ...DEFAULT_SETTINGS,
    ...options.settings,
    port,
    unix_socket_directories: paths.socketFolder,
    log_directory: join(paths.folder, 'log'),
  })
  return { conf, hba: toPgHba() }
}

function digestSettings(paths: Paths, port: number, options: EmbeddedPostgresOptions): string {
  const { conf, hba } = makeConfiguration(paths, port, options)
  return createHash('sha256').update(conf).update(hba).digest('hex')
}

/** Asks the server who it is; it must be the one of this folder, and take our password. */
async function ask(address: ServerAddress, paths: Paths, password: string): Promise<number> {
  const client = new Client({
    ...toClientConfig(address),
    user: 'postgres',
    database: 'postgres',
    password,
    connectionTimeoutMillis: 10_000,
  })
  client.on('error', () => {})
  try {
    await client.connect()
    const { rows } = await client.query<{ version: number }>("select current_setting('server_version_num')::int as version")
    return rows[0]?.version ?? 0
  } catch (cause) {
    if ((cause as { code?: string }).code === '28P01') {
      throw new Error(`The data in ${paths.folder} was made with another master key: its Postgres refuses our password.`, { cause })
    }
    throw new Error(`Postgres in ${paths.folder} does not answer: ${(cause as Error).message}`, { cause })
  } finally {
    await client.end().catch(() => {})
  }
}

function makeStop(paths: Paths, pid: number, observe: Observe): () => Promise<void> {
  let stopping: Promise<void> | undefined
  return () =>
    (stopping ??= stopPostmaster(paths.data, pid).then(() =>
      observe({ kind: 'cluster', event: 'stopped', message: `Postgres in ${paths.folder}` }),
    ))
}

async function readLastWords(folder: string, startupLog: string): Promise<string> {
  const day = new Date().toLocaleDateString('en-US', { weekday: 'short', timeZone: 'UTC' })
  const texts = await Promise.all(
    [startupLog, join(folder, 'log', `postgres-${day}.log`)].map((file) => readFile(file, 'utf8').catch(() => '')),
  )
  const lines = texts.flatMap((text) => text.trim().split('\n').slice(-8))
  return lines
    .filter((line) => /FATAL|ERROR|PANIC|could not|HINT/.test(line))
    .slice(-3)
    .join(' ')
}
