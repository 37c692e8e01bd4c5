import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmod, chown, lstat, mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { OperatingUser } from './operating-user.ts'

/** `sockaddr_un` takes 107 bytes; the server's socket is `<folder>/.s.PGSQL.<port>`. */
const LONGEST_SOCKET_FOLDER = 107 - '/.s.PGSQL.65535'.length

/** Makes the folder, or throws one clear line that says why it cannot be used. */
export async function makeServerFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true })
    // what is secret in it has a lock of its own; Postgres' user must get through
    await chmod(folder, 0o711)
  } catch (cause) {
    throw new Error(`The folder ${folder} cannot be written: ${(cause as NodeJS.ErrnoException).code ?? String(cause)}.`, { cause })
  }
}

/** Throws one clear line when the user that Postgres runs as cannot get to the file. */
export function requireReachable(file: string, user: OperatingUser): void {
  if (user.uid === undefined) return
  try {
    execFileSync('test', ['-x', file], { uid: user.uid, gid: user.gid, cwd: '/', stdio: 'ignore' })
  } catch {
    throw new Error(
      `Postgres runs as the user ${user.name}, who cannot get to ${file}: put the data folder where everybody may pass (POLDER_DATA_DIR), for example /var/lib/polder.`,
    )
  }
}

/** The folder of the server's unix socket: in its own folder, or a short one when that path is too long for a socket. */
export async function makeSocketFolder(folder: string, user: OperatingUser): Promise<string> {
  const own = join(folder, 'socket')
  const isShort = Buffer.byteLength(own) <= LONGEST_SOCKET_FOLDER
  const chosen = isShort ? own : join(tmpdir(), `polder-${createHash('sha256').update(folder).digest('hex').slice(0, 16)}`)
  await mkdir(chosen, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  const found = await lstat(chosen)
  const owners = [process.getuid?.(), user.uid]
  if (!found.isDirectory() || !owners.includes(found.uid))
    throw new Error(`${chosen} belongs to somebody else: Postgres' socket cannot be put there.`)
  await chmod(chosen, 0o700)
  if (user.uid !== undefined && user.gid !== undefined) await chown(chosen, user.uid, user.gid)
  return chosen
}
