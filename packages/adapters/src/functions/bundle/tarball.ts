import { createHash } from 'node:crypto'
import { gunzipSync } from 'node:zlib'

export interface TarFile {
  path: string
  data: Buffer
}

const BLOCK = 512

/** The regular files of a gzipped tar of npm, without its first folder. Links, devices and paths that lead out are left out. */
export function readTarball(bytes: Uint8Array, maxBytes: number): TarFile[] {
  const tar = gunzipSync(bytes, { maxOutputLength: maxBytes })
  const files: TarFile[] = []
  let longPath: string | undefined
  for (let at = 0; at + BLOCK <= tar.length;) {
    const header = tar.subarray(at, at + BLOCK)
    if (header.every((byte) => byte === 0)) break
    const size = Number.parseInt(readText(header, 124, 12).trim() || '0', 8)
    if (!(size >= 0)) throw new Error('The archive is damaged.')
    const data = tar.subarray(at + BLOCK, at + BLOCK + size)
    const type = String.fromCharCode(header[156] ?? 0)
    if (type === 'x') longPath = /(?:^|\n)\d+ path=([^\n]+)\n/.exec(data.toString('utf8'))?.[1] ?? longPath
    else if (type === 'L') longPath = data.toString('utf8').replace(/\0.*$/s, '')
    else {
      const prefix = readText(header, 345, 155)
      const name = longPath ?? (prefix === '' ? readText(header, 0, 100) : `${prefix}/${readText(header, 0, 100)}`)
      longPath = undefined
      const path = name.split('/').slice(1).join('/')
      if ((type === '0' || type === '\0') && isInside(path)) files.push({ path, data })
    }
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK
  }
  return files
}

/** Whether the bytes are those that a registry vouches for (`sha512-…`). */
export function hasIntegrity(bytes: Uint8Array, integrity: string): boolean {
  return integrity.split(/\s+/).some((each) => {
    const [, algorithm, digest] = /^(sha512|sha384|sha256)-([A-Za-z0-9+/=]+)/.exec(each) ?? []
    return algorithm !== undefined && createHash(algorithm).update(bytes).digest('base64') === digest
  })
}

function readText(header: Buffer, start: number, length: number): string {
  return header
    .subarray(start, start + length)
    .toString('utf8')
    .replace(/\0.*$/s, '')
}

function isInside(path: string): boolean {
  return (
    path !== '' &&
    !path.startsWith('/') &&
    !path.includes('\\') &&
    !path.includes('\0') &&
    path.split('/').every((part) => part !== '..' && part !== '')
  )
}
