import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { listLibraries } from './deno-binary.ts'

/** How a function process is started on this machine. */
export interface StartCommand {
  /** Whether the operating system keeps it in as well, and not Deno's permissions alone. */
  readonly isJailed: boolean
  /** What is missing of the walls, in words for the operator. */
  readonly warnings: readonly string[]
  /** Program and arguments for a process whose sockets are in `folder`. `infoFd`: where the jail tells the id of what it started. */
  build(options: { folder: string; memoryMb: number; hasOwnUser: boolean }): { command: string; args: string[]; infoFd: number | undefined }
}

const BOOTSTRAP = fileURLToPath(new URL('bootstrap.mjs', import.meta.url))
/** The jail's place for what is kept of caches: there is none. */
const NO_FOLDER = '/none'
export const DATABASE_SOCKET = '.s.PGSQL.5432'

const LIMITS = ['--nofile=512', '--core=0', '--fsize=0']

/** Finds out once what this machine offers. `isJailWanted` is false in tests of the fallback only. */
export async function findStartCommand(deno: string, { isJailWanted = true } = {}): Promise<StartCommand> {
  const [hasLimits, libraries] = await Promise.all([works('prlimit', ['--nofile=512', '--core=0', 'true']), listLibraries(deno)])
  const limits = hasLimits ? ['prlimit', ...LIMITS] : []
  const jail = toJail(deno, libraries)
  const isJailed = isJailWanted && (await works('bwrap', [...jail, '/deno', '--version']))
  const warnings = [
    ...(isJailed
      ? []
      : [
          "Functions are not jailed on this host: Deno's permissions alone keep them in. Install bubblewrap (bwrap) and allow user namespaces before strangers deploy.",
        ]),
    ...(hasLimits ? [] : ['Function processes have no limit of open files: prlimit (util-linux) is missing.']),
  ]
  return {
    isJailed,
    warnings,
    build({ folder, memoryMb, hasOwnUser }) {
      // Counted by user: on a user that others have too, theirs would count.
      const ofUser = hasLimits && hasOwnUser ? ['--nproc=256'] : []
      const words = isJailed
        ? [
            ...limits,
            ...ofUser,
            'bwrap',
            ...jail.slice(0, -JAIL_END.length),
            ...['--info-fd', '3', '--ro-bind', BOOTSTRAP, '/boot.mjs', '--bind', folder, '/run'],
            ...JAIL_END,
            '/deno',
            ...toDenoArguments('/run', memoryMb),
            '/boot.mjs',
            '/run',
          ]
        : [...limits, ...ofUser, deno, ...toDenoArguments(folder, memoryMb), BOOTSTRAP, folder]
      const [command, ...args] = words as [string, ...string[]]
      return { command, args, infoFd: isJailed ? 3 : undefined }
    },
  }
}

/** The whole environment of a function process. */
export function toEnvironment(path: string): Record<string, string> {
  // PATH is for finding prlimit and bwrap, which gives nothing of it on.
  return { PATH: path, DENO_DIR: NO_FOLDER, HOME: NO_FOLDER, NO_COLOR: '1', DENO_NO_UPDATE_CHECK: '1' }
}

const JAIL_END = ['--remount-ro', '/', '--chdir', '/']

function toJail(deno: string, libraries: string[] | undefined): string[] {
  const bound =
    libraries === undefined
      ? ['/lib', '/lib64', '/usr/lib'].flatMap((each) => ['--ro-bind-try', each, each])
      : libraries.flatMap((each) => ['--ro-bind', each, each])
  return [
    ...['--unshare-all', '--die-with-parent', '--new-session', '--clearenv', '--as-pid-1', '--cap-drop', 'ALL'],
    ...['--setenv', 'DENO_DIR', NO_FOLDER, '--setenv', 'HOME', NO_FOLDER, '--setenv', 'NO_COLOR', '1'],
    ...['--ro-bind', deno, '/deno', ...bound],
    // All that Deno asks /proc for; a real one would show more than it needs to see.
    ...['--symlink', '/deno', '/proc/self/exe'],
    ...['--dev', '/dev', '--remount-ro', '/dev'],
    ...JAIL_END,
  ]
}

function toDenoArguments(run: string, memoryMb: number): string[] {
  const sockets = ['in.sock', 'out.sock', DATABASE_SOCKET].map((name) => `unix:${run}/${name}`)
  return [
    'run',
    ...['--quiet', '--no-prompt', '--no-config', '--no-lock', '--no-npm', '--no-remote', '--node-modules-dir=none'],
    ...['--no-code-cache', '--cached-only', '--no-check', '--unstable-no-legacy-abort', '--allow-import=none.invalid:443'],
    `--v8-flags=--max-old-space-size=${memoryMb}`,
    `--allow-net=${[...sockets, 'egress.internal:80'].join(',')}`,
    `--allow-read=${run}`,
    `--allow-write=${run}`,
  ]
}

function works(command: string, args: string[]): Promise<boolean> {
  return new Promise((resolve) => {
    execFile(command, args, { env: { PATH: SYSTEM_PATH }, timeout: 10_000 }, (error) => resolve(error === null))
  })
}

/** Where the system's own programs are. */
export const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
