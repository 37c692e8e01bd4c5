import { execFile } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

/** Where the Deno that npm carries for this machine is; undefined where npm carries none. */
export function findDenoBinary(): string | undefined {
  const { platform, arch } = process
  const name = `@deno/${platform}-${arch}${platform === 'linux' ? '-glibc' : ''}`
  try {
    const require = createRequire(createRequire(import.meta.url).resolve('deno/package.json'))
    const binary = path.join(path.dirname(require.resolve(`${name}/package.json`)), platform === 'win32' ? 'deno.exe' : 'deno')
    accessSync(binary, constants.X_OK)
    return binary
  } catch {
    return undefined
  }
}

/** The shared libraries that a program loads, as the machine's own loader says; undefined where nobody can be asked. */
export function listLibraries(binary: string): Promise<string[] | undefined> {
  return new Promise((resolve) => {
    execFile('ldd', [binary], { env: {}, timeout: 5_000 }, (error, output) => {
      const found = [...output.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, file]) => file as string)
      resolve(error || found.length === 0 ? undefined : found)
    })
  })
}
