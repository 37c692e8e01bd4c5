import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Observe } from '@polder/core'
import { makeClient } from '../connect.ts'
import { findFreePort } from './free-port.ts'
import { makeFolderFor, makeInitialData } from './initial-data.ts'
import { findOperatingUser, type OperatingUser } from './operating-user.ts'
import type { PostgresSettings } from './postgres-settings.ts'
import { findRunningPostmaster, isAlive, removeMistakenPidFile, spawnPostmaster, stopPostmaster, waitUntilReady } from './postmaster.ts'
import { makeServerFolder, makeSocketFolder, requireReachable } from './reachable-folder.ts'
import { copyPackagedServer, readServerVersion, type ServerBinaries } from './server-binaries.ts'
import { isConfiguredLike, makeConfiguration, readLastWords, writeConfiguration, type ServerPaths } from './server-configuration.ts'
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
  /** Its port changes only if the server was lost and another program has taken the port meanwhile. */
  readonly address: ServerAddress
  /** As `server_version_num`, for example 180004. */
  readonly version: number
  /** The server of an earlier process was still running and is used further. */
  readonly wasAdopted: boolean
  /** Ends the server and waits until it is gone. */
  stop(): Promise<void>
}

interface Running {
  pid: number
  port: number
  version: number
}

interface Launch {
  paths: ServerPaths
  binaries: ServerBinaries
  user: OperatingUser
  options: EmbeddedPostgresOptions
}

const START_TIMEOUT_MS = 120_000
const WATCH_MS = 250

/**
 * Starts Postgres from npm's or the given programs in `folder`, or adopts the one that is still running there; starts it again
 * should it be killed. Throws an Error of one clear line when the port, the folder, its data or the programs do not allow it.
 */
export async function openEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const launch = await prepare(options)
  const adopted = await adopt(launch)
  const running = adopted ?? (await start(launch, options.port))
  const address: ServerAddress = { host: '127.0.0.1', port: running.port, socketFolder: launch.paths.socketFolder }
  const keeper = keepRunning(launch, running, address)
  return { address, version: running.version, wasAdopted: adopted !== undefined, stop: keeper.stop }
}

async function prepare(options: EmbeddedPostgresOptions): Promise<Launch> {
  const folder = resolve(options.folder)
  const data = join(folder, 'data')
  const user = findOperatingUser(data)
  await makeServerFolder(folder)
  const binaries = await openBinaries(folder, options.binaries)
  requireReachable(join(binaries.folder, 'postgres'), user)
  await makeInitialData({
    data,
    binaries,
    user,
    superuserPassword: options.superuserPassword,
    isDurable: options.settings?.['fsync'] !== false,
  })
  const log = join(folder, 'log')
  await makeFolderFor(user, log)
  const socketFolder = await makeSocketFolder(folder, user)
  return { paths: { folder, data, log, socketFolder }, binaries, user, options }
}

async function openBinaries(folder: string, own: string | undefined): Promise<ServerBinaries> {
  if (own === undefined) return copyPackagedServer(folder)
  return { folder: resolve(own), version: readServerVersion(resolve(own)) }
}

async function adopt(launch: Launch): Promise<Running | undefined> {
  const { paths, binaries, options } = launch
  const found = findRunningPostmaster(paths.data)
  if (!found) return undefined
  await waitUntilReady(paths.data, found.pid, () => isAlive(found.pid), START_TIMEOUT_MS)
  if (!(await isConfiguredLike(paths, makeConfiguration(paths, binaries, found.port, options.settings)))) {
    // started by another release of this code: its programs or settings need a start of their own
    await stopPostmaster(paths.data, found.pid)
    return undefined
  }
  const version = await ask(launch, found.port)
  options.observe({ kind: 'cluster', event: 'adopted', message: `Postgres was still running on port ${found.port}` })
  return { pid: found.pid, port: found.port, version }
}

async function start(launch: Launch, wanted: number): Promise<Running> {
  const { paths, binaries, user, options } = launch
  options.observe({ kind: 'cluster', event: 'starting', message: `Postgres ${binaries.version} in ${paths.folder}` })
  for (let first = wanted, attempt = 0; ; attempt += 1) {
    const port = await findFreePort(first)
    await writeConfiguration(paths, user, port, makeConfiguration(paths, binaries, port, options.settings))
    await removeMistakenPidFile(paths.data)
    const pid = await launchOnce(launch)
    if (pid !== undefined) {
      const version = await ask(launch, port)
      options.observe({ kind: 'cluster', event: 'started', message: `Postgres ${binaries.version} on port ${port}` })
      return { pid, port, version }
    }
    const words = await readLastWords(paths)
    const hasLostThePort = /could not bind|Address already in use|could not create any TCP/.test(words)
    if (!hasLostThePort || attempt >= 10) throw new Error(`Postgres did not start in ${paths.folder}: ${words || 'it gave no reason.'}`)
    first = port + 1
  }
}

async function launchOnce({ paths, binaries, user }: Launch): Promise<number | undefined> {
  const child = spawnPostmaster(binaries.folder, paths.data, join(paths.log, 'start.log'), user)
  let hasEnded = false
  child.once('error', () => (hasEnded = true))
  child.once('exit', () => (hasEnded = true))
  child.unref()
  if (child.pid === undefined) return undefined
  const isReady = await waitUntilReady(paths.data, child.pid, () => !hasEnded, START_TIMEOUT_MS)
  return isReady ? child.pid : undefined
}

/** Asks the server who it is; it must take our password. */
async function ask({ paths, options }: Launch, port: number): Promise<number> {
  const address = toClientConfig({ host: '127.0.0.1', port, socketFolder: paths.socketFolder })
  const client = makeClient({
    ...address,
    user: 'postgres',
    database: 'postgres',
    password: options.superuserPassword,
    connectionTimeoutMillis: 10_000,
  })
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

function keepRunning(launch: Launch, first: Running, address: ServerAddress): { stop(): Promise<void> } {
  const { paths, options } = launch
  let running = first
  let restarting: Promise<void> | undefined
  let stopping: Promise<void> | undefined
  const watch = setInterval(() => {
    if (restarting || isAlive(running.pid)) return
    options.observe({ kind: 'cluster', event: 'lost', message: `Postgres in ${paths.folder} ended; starting it again` })
    restarting = restart().finally(() => (restarting = undefined))
  }, WATCH_MS).unref()

  async function restart(): Promise<void> {
    for (let pauseMs = 100; !stopping; pauseMs = Math.min(pauseMs * 2, 10_000)) {
      // its last processes may still hold its memory and its port
      await sleep(pauseMs, undefined, { ref: false })
      try {
        running = await start(launch, running.port)
        address.port = running.port
        return
      } catch (cause) {
        options.observe({ kind: 'error', code: 'database.unavailable', cause })
      }
    }
  }

  async function stop(): Promise<void> {
    clearInterval(watch)
    await restarting
    await stopPostmaster(paths.data, running.pid)
    options.observe({ kind: 'cluster', event: 'stopped', message: `Postgres in ${paths.folder}` })
  }

  return { stop: () => (stopping ??= stop()) }
}
