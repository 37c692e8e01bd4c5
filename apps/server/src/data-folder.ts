import { randomBytes, createHash } from 'node:crypto'
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer, connect, type Server } from 'node:net'
import os from 'node:os'
import path from 'node:path'

/** A reason not to start, as one line for a person. */
export class StartError extends Error {
  constructor(line: string, cause?: unknown) {
    super(line, { cause })
    this.name = 'StartError'
  }
}

export interface DataFolder {
  readonly path: string
  /** The embedded Postgres' own folder. */
  readonly postgres: string
  /** Folders of projects, by ref. */
  readonly projects: string
  /** Folder of one project's files; may not be there yet. */
  projectFolder(ref: string): string
  /** What can be fetched again: it needs no backup. */
  readonly cache: string
  readonly masterKey: Buffer
  /** Lets another instance have the folder. */
  release(): Promise<void>
}

export interface DataFolderOptions {
  /** As configured; the default is used when absent. */
  folder: string | undefined
  masterKey: Buffer | undefined
  defaultFolder: string
  warn(message: string): void
}

/** Where things are kept when root must not keep them: Postgres runs as a user of its own, who has to get there. */
const ROOT_FOLDER = '/var/lib/polder'

/** Takes the folder for this process, and reads or makes the master key. Throws a StartError of one line when it cannot. */
export async function openDataFolder(options: DataFolderOptions): Promise<DataFolder> {
  const wanted = options.folder ?? chooseDefaultFolder(options.defaultFolder, options.warn)
  makeFolder(wanted)
  const folder = realpathSync(wanted)
  const lock = await takeLock(folder)
  try {
    makeFolder(path.join(folder, 'projects'), 0o700)
    const masterKey = options.masterKey ?? readOrMakeMasterKey(path.join(folder, 'master.key'))
    return {
      path: folder,
      postgres: path.join(folder, 'postgres'),
      projects: path.join(folder, 'projects'),
      projectFolder: (ref) => path.join(folder, 'projects', ref),
      cache: path.join(folder, 'cache'),
      masterKey,
      release: () => new Promise((resolve) => lock.close(() => resolve())),
    }
  } catch (error) {
    lock.close()
    throw error
  }
}

/** The default folder, or where root keeps data when Postgres' user could not get to it; then it says so. */
export function chooseDefaultFolder(defaultFolder: string, warn: (message: string) => void, uid = process.getuid?.()): string {
  if (uid !== 0 || isPassable(path.dirname(defaultFolder))) return defaultFolder
  warn(
    `Postgres cannot run as root, and its own user cannot get to ${defaultFolder}: data is kept in ${ROOT_FOLDER} (POLDER_DATA_DIR sets another folder).`,
  )
  return ROOT_FOLDER
}

/** Whether users other than the owner may pass through the folder and all above it. */
function isPassable(folder: string): boolean {
  for (let current = path.resolve(folder); ; current = path.dirname(current)) {
    const found = statSync(current, { throwIfNoEntry: false })
    if (found && (found.mode & 0o001) === 0) return false
    if (current === path.dirname(current)) return true
  }
}

function makeFolder(folder: string, mode = process.getuid?.() === 0 ? 0o711 : 0o700): void {
  try {
    makeMissing(folder)
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK)
    // Root's Postgres is another user, who must get through; everybody else's is the same one.
    if (statSync(folder).uid === process.getuid?.()) chmodSync(folder, mode)
  } catch (cause) {
    throw new StartError(`The data folder ${folder} cannot be written (${toReason(cause)}); set POLDER_DATA_DIR to one that can.`, cause)
  }
}

/** Like mkdir -p. Node's own never returns where a parent takes no folders, as /proc. */
function makeMissing(folder: string): void {
  const missing: string[] = []
  for (let current = folder; !existsSync(current); current = path.dirname(current)) missing.push(current)
  for (const each of missing.reverse()) mkdirSync(each)
}

function readOrMakeMasterKey(file: string): Buffer {
  // Written under another name and linked: whoever comes second finds a whole key, also after a crash in the middle.
  const draft = `${file}.${process.pid}`
  try {
    if (!statSync(file, { throwIfNoEntry: false })) {
      writeFileSync(draft, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600, flag: 'wx', flush: true })
      try {
        linkSync(draft, file)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      } finally {
        rmSync(draft, { force: true })
      }
    }
    const key = Buffer.from(readFileSync(file, 'utf8').trim(), 'base64')
    if (key.length !== 32)
      throw new StartError(
        `The master key in ${file} is damaged: it must be 32 bytes in base64. Without the right key the secrets cannot be read.`,
      )
    if ((statSync(file).mode & 0o077) !== 0) chmodSync(file, 0o600)
    return key
  } catch (cause) {
    if (cause instanceof StartError) throw cause
    throw new StartError(`The master key ${file} cannot be read or made (${toReason(cause)}).`, cause)
  }
}

/** A socket that only a living process answers on: unlike a file with a process id, it cannot lie after a crash. */
async function takeLock(folder: string): Promise<Server> {
  const own = path.join(folder, 'instance.sock')
  const file =
    Buffer.byteLength(own) <= 100
      ? own
      : path.join(os.tmpdir(), `polder-${createHash('sha256').update(folder).digest('hex').slice(0, 24)}.sock`)
  const guard = `${file}.taking`
  for (let attempt = 0; ; attempt += 1) {
    try {
      writeFileSync(guard, '', { flag: 'wx' })
      break
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') {
        throw new StartError(
          `The data folder ${folder} cannot be written (${toReason(cause)}); set POLDER_DATA_DIR to one that can.`,
          cause,
        )
      }
      // Held for milliseconds; an old one was left by a crash.
      const found = statSync(guard, { throwIfNoEntry: false })
      if (found && Date.now() - found.mtimeMs > 3000) rmSync(guard, { force: true })
      else if (attempt > 100) throw new StartError(`Another instance of the server is starting on ${folder}.`)
      else await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
  try {
    if (await isAnswered(file))
      throw new StartError(
        `Another instance of the server is running on ${folder}; stop it first, or set POLDER_DATA_DIR to another folder.`,
      )
    rmSync(file, { force: true })
    return await listen(file)
  } finally {
    rmSync(guard, { force: true })
  }
}

function isAnswered(file: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(file)
    socket.on('connect', () => (socket.destroy(), resolve(true)))
    socket.on('error', () => resolve(false))
  })
}

function listen(file: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', (cause) => reject(new StartError(`The data folder cannot be taken (${toReason(cause)}).`, cause)))
    server.listen(file, () => {
      server.unref()
      resolve(server)
    })
  })
}

/** Throws a StartError of one line when something listens on the port already. */
export function requireFreePort(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', (cause: NodeJS.ErrnoException) => reject(toListenError(host, port, cause)))
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve()))
  })
}

/** Why the server cannot listen, as one line. */
export function toListenError(host: string, port: number, cause: NodeJS.ErrnoException): StartError {
  if (cause.code === 'EADDRINUSE')
    return new StartError(`Port ${port} is in use; stop what listens there, or set POLDER_PORT to another one.`, cause)
  return new StartError(`The server cannot listen on ${host} port ${port} (${toReason(cause)}); set POLDER_HOST and POLDER_PORT.`, cause)
}

function toReason(cause: unknown): string {
  return (cause as NodeJS.ErrnoException).code ?? String(cause)
}
