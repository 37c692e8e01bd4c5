import { execFileSync } from 'node:child_process'
import { statSync } from 'node:fs'

/** The OS user that Postgres runs as; `undefined` ids mean that of this process. */
export interface OperatingUser {
  name: string
  uid: number | undefined
  gid: number | undefined
}

const CANDIDATES = ['polder-postgres', 'postgres']

/**
 * Finds whom Postgres runs as: this process's user, or, since Postgres refuses to run as root, whom the data belongs to already,
 * or a user of its own, which is made when the machine has none. Throws one clear line when that is not possible.
 */
export function findOperatingUser(data: string): OperatingUser {
  if (process.getuid?.() !== 0) return { name: String(process.getuid?.() ?? ''), uid: undefined, gid: undefined }
  const owned = statSync(data, { throwIfNoEntry: false })
  if (owned && owned.uid !== 0) return { name: String(owned.uid), uid: owned.uid, gid: owned.gid }
  for (const name of CANDIDATES) {
    const found = lookUp(name)
    if (found) return found
  }
  const made = create('polder-postgres')
  if (made) return made
  throw new Error(
    'Postgres refuses to run as root and no user could be made for it: run as another user, or `useradd --system polder-postgres` first.',
  )
}

function lookUp(name: string): OperatingUser | undefined {
  const uid = readId('-u', name)
  const gid = readId('-g', name)
  return uid === undefined || gid === undefined || uid === 0 ? undefined : { name, uid, gid }
}

function readId(flag: '-u' | '-g', name: string): number | undefined {
  try {
    return Number(execFileSync('id', [flag, name], { stdio: ['ignore', 'pipe', 'ignore'], encoding: 'utf8' }).trim())
  } catch {
    return undefined
  }
}

function create(name: string): OperatingUser | undefined {
  const attempts: [string, string[]][] = [
    ['useradd', ['--system', '--user-group', '--no-create-home', '--home-dir', '/nonexistent', '--shell', '/usr/sbin/nologin', name]],
    ['adduser', ['-S', '-D', '-H', '-s', '/sbin/nologin', name]],
  ]
  for (const [command, args] of attempts) {
    try {
      execFileSync(command, args, { stdio: 'ignore' })
      return lookUp(name)
    } catch {
      // the next spelling: Debian and Red Hat have useradd, Alpine has BusyBox' adduser
    }
  }
  return undefined
}
