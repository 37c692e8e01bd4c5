import { createHash } from 'node:crypto'
import { chown, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { OperatingUser } from './operating-user.ts'
import { DEFAULT_SETTINGS, toPgHba, toPostgresConf, type PostgresSettings } from './postgres-settings.ts'
import type { ServerBinaries } from './server-binaries.ts'

/** Where the embedded server keeps what. */
export interface ServerPaths {
  folder: string
  data: string
  log: string
  socketFolder: string
}

/** What the server is started with; the same again means that a running one can be used as it is. */
export interface ServerConfiguration {
  conf: string
  hba: string
  /** Of both texts and of the programs. */
  digest: string
}

/** The configuration for that port; `settings` overrule ours. */
export function makeConfiguration(
  paths: ServerPaths,
  binaries: ServerBinaries,
  port: number,
  settings: PostgresSettings = {},
): ServerConfiguration {
  const conf = toPostgresConf({
    ...DEFAULT_SETTINGS,
    ...settings,
    port,
    unix_socket_directories: paths.socketFolder,
    log_directory: paths.log,
  })
  const hba = toPgHba()
  const digest = createHash('sha256')
    .update(JSON.stringify([conf, hba, binaries.folder, binaries.version]))
    .digest('hex')
  return { conf, hba, digest }
}

/** Puts it where the server reads it, and the port where people and the next start find it. */
export async function writeConfiguration(
  paths: ServerPaths,
  user: OperatingUser,
  port: number,
  configuration: ServerConfiguration,
): Promise<void> {
  const files = [
    ['postgresql.conf', configuration.conf],
    ['pg_hba.conf', configuration.hba],
  ] as const
  for (const [name, text] of files) {
    const file = join(paths.data, name)
    await writeFile(file, text, { mode: 0o600 })
    if (user.uid !== undefined && user.gid !== undefined) await chown(file, user.uid, user.gid)
  }
  // settings of an ALTER SYSTEM would overrule ours
  await rm(join(paths.data, 'postgresql.auto.conf'), { force: true })
  await writeFile(join(paths.folder, 'settings'), configuration.digest)
  await writeFile(join(paths.folder, 'port'), `${port}\n`)
}

/** Whether the server that is running was started with this. */
export async function isConfiguredLike(paths: ServerPaths, configuration: ServerConfiguration): Promise<boolean> {
  const digest = await readFile(join(paths.folder, 'settings'), 'utf8').catch(() => '')
  return digest === configuration.digest
}

/** The server's last complaints, in one line. */
export async function readLastWords(paths: ServerPaths): Promise<string> {
  const day = new Date().toLocaleDateString('en-US', { weekday: 'short', timeZone: 'UTC' })
  const files = [join(paths.log, 'start.log'), join(paths.log, `postgres-${day}.log`)]
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')))
  const lines = texts.flatMap((text) => text.trim().split('\n').slice(-8))
  return lines
    .filter((line) => /FATAL|ERROR|PANIC|HINT|could not|unrecognized|invalid value/.test(line))
    .slice(-3)
    .join(' ')
}
