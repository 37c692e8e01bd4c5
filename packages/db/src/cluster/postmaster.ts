import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync, readlinkSync, realpathSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { OperatingUser } from './operating-user.ts'

/** What a running server writes about itself into its data folder. */
export interface PostmasterFile {
  pid: number
  port: number
  socketFolder: string
  isReady: boolean
}

/** Reads `postmaster.pid`; undefined when there is none, or none yet that is complete. */
export function readPostmasterFile(data: string): PostmasterFile | undefined {
  let lines: string[]
  try {
    lines = readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')
  } catch {
    return undefined
  }
  const [pid, , , port, socketFolder, , , status] = lines
  if (!pid || !port || socketFolder === undefined) return undefined
  return { pid: Number(pid), port: Number(port), socketFolder: socketFolder.trim(), isReady: status?.trim() === 'ready' }
}

/** The server that is running on the data folder, if its process lives; a pid that another program has by now is not one. */
export function findRunningPostmaster(data: string): PostmasterFile | undefined {
  const file = readPostmasterFile(data)
  return file && isAlive(file.pid) && isProcessOf(file.pid, data) ? file : undefined
}

/**
 * Removes the pid file of a server that was killed and whose number another program has by now: Postgres would take that one for
 * a running server. Every other pid file stays, since it is what keeps two servers from one folder.
 */
export async function removeMistakenPidFile(data: string): Promise<void> {
  const file = readPostmasterFile(data)
  if (process.platform === 'linux' && file && isAlive(file.pid) && !isProcessOf(file.pid, data)) {
    await rm(join(data, 'postmaster.pid'), { force: true })
  }
}

function isProcessOf(pid: number, data: string): boolean {
  try {
    return realpathSync(readlinkSync(`/proc/${pid}/cwd`)) === realpathSync(data)
  } catch {
    // no /proc: only asking the server itself can tell, and the caller does
    return process.platform !== 'linux'
  }
}

/** Whether the process is there and not merely a zombie that nobody collected. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
  try {
    const status = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return !/^[ZX]/.test(status.slice(status.lastIndexOf(')') + 2))
  } catch {
    return process.platform !== 'linux' || existsSync(`/proc/${pid}`)
  }
}

/** The only environment that the server's processes see: projects' SQL must find no secret there. */
export const CLEAN_ENVIRONMENT = { LANG: 'C', LC_ALL: 'C', PATH: '/usr/bin:/bin', TZ: 'UTC' }

/**
 * Starts the server in a process group of its own, so that a terminal's Ctrl-C does not reach it before us, with its first words
 * in a file: a pipe would stand still with the process that reads it.
 */
export function spawnPostmaster(binaries: string, data: string, startupLog: string, user: OperatingUser): ChildProcess {
  const log = openSync(startupLog, 'w', 0o600)
  try {
    return spawn(join(binaries, 'postgres'), ['-D', data], {
      cwd: data,
      env: CLEAN_ENVIRONMENT,
      uid: user.uid,
      gid: user.gid,
      detached: true,
      stdio: ['ignore', log, log],
    })
  } finally {
    closeSync(log)
  }
}

/** Waits until the server takes connections. Answers false when the process ends first or the time is over. */
export async function waitUntilReady(data: string, pid: number, isRunning: () => boolean, timeoutMs: number): Promise<boolean> {
  const end = performance.now() + timeoutMs
  while (performance.now() < end) {
    const file = readPostmasterFile(data)
    if (file?.isReady && file.pid === pid) return true
    if (!isRunning()) return false
    await sleep(5)
  }
  return false
}

/** Ends the server: open sessions are rolled back and closed; if that takes too long, harder. */
export async function stopPostmaster(data: string, pid: number, timeoutMs = 30_000): Promise<void> {
  const signals: [NodeJS.Signals, number][] = [
    ['SIGINT', timeoutMs],
    ['SIGQUIT', 5_000],
    ['SIGKILL', 5_000],
  ]
  for (const [signal, patience] of signals) {
    if (!isAlive(pid)) return
    try {
      process.kill(pid, signal)
    } catch {
      return
    }
    if (await waitUntilGone(pid, patience)) return
  }
  throw new Error(`Postgres (process ${pid}, ${data}) does not stop.`)
}

async function waitUntilGone(pid: number, timeoutMs: number): Promise<boolean> {
  const end = performance.now() + timeoutMs
  while (performance.now() < end) {
    if (!isAlive(pid)) return true
    await sleep(10)
  }
  return false
}
