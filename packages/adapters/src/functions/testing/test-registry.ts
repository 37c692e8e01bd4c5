import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'

/** A registry of npm packages that a test makes up. */
export interface TestRegistry extends AsyncDisposable {
  url: string
  /** What was asked for, by path. */
  asked: string[]
}

interface TarEntry {
  path: string
  content?: string
  /** `0` is a file, `2` a link. */
  type?: string
  linkTarget?: string
}

/** `packages`: by name and version, the files of each, or the entries of its archive as they are to be. */
export async function openTestRegistry(
  packages: Record<string, Record<string, Record<string, string> | TarEntry[]>>,
  { breaksIntegrity = [] as string[] } = {},
): Promise<TestRegistry> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    const url = decodeURIComponent(request.url ?? '/')
    asked.push(url)
    const tarball = /^\/-\/(.+)@([^@]+)\.tgz$/.exec(url)
    if (tarball !== null) return response.end(toTarball(packages[tarball[1]!]![tarball[2]!]!))
    const name = url.slice(1)
    const versions = packages[name]
    if (versions === undefined) return response.writeHead(404).end('{}')
    const body = {
      name,
      'dist-tags': { latest: Object.keys(versions).at(-1) },
      versions: Object.fromEntries(
        Object.entries(versions).map(([version, files]) => {
          const bytes = breaksIntegrity.includes(name) ? Buffer.from('other') : toTarball(files)
          const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`
          return [version, { dist: { integrity, tarball: `${base()}-/${name}@${version}.tgz` } }]
        }),
      ),
    }
    return response.setHeader('content-type', 'application/json').end(JSON.stringify(body))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const base = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  return {
    url: base(),
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}

function toTarball(files: Record<string, string> | TarEntry[]): Buffer {
  const entries = Array.isArray(files)
    ? files
    : Object.entries(files).map(([path, content]): TarEntry => ({ path: `package/${path}`, content }))
  const blocks = entries.flatMap(({ path, content = '', type = '0', linkTarget = '' }) => {
    const data = Buffer.from(content)
    const header = Buffer.alloc(512)
    header.write(path, 0, 100)
    header.write('0000644\0', 100)
    header.write(`${data.length.toString(8).padStart(11, '0')} `, 124)
    header.write('        ', 148)
    header.write(type, 156)
    header.write(linkTarget, 157, 100)
    header.write('ustar\x0000', 257)
    const sum = header.reduce((total, byte) => total + byte, 0)
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
    return [header, data, Buffer.alloc((512 - (data.length % 512)) % 512)]
  })
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]))
}
