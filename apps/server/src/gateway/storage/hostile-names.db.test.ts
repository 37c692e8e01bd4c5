import { request } from 'node:http'
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { HOSTILE_NAMES } from './testing/hostile-names.ts'
import { openStorageGateway, type StorageGateway } from './testing/storage-gateway.ts'

let gate: StorageGateway
let outside: string

beforeAll(async () => {
  gate = await openStorageGateway()
  for (const project of [gate.alpha, gate.beta]) {
    await gate.call(project, 'POST', '/bucket', { body: { name: 'safe' } })
    await gate.call(project, 'POST', '/object/safe/kept.txt', { body: 'kept', headers: { 'content-type': 'text/plain' } })
  }
  outside = path.join(gate.folder, 'outside.txt')
  await writeFile(outside, 'outside')
  await mkdir(path.join(gate.folder, 'other'), { recursive: true })
  await writeFile(path.join(gate.folder, 'other', 'secret'), 'outside')
})
afterAll(() => gate[Symbol.asyncDispose]())

/** As it is on the wire: `fetch` would tidy the path. */
function send(method: string, route: string, body?: string | object): Promise<{ status: number; text: string }> {
  const { port } = new URL(gate.origin)
  const payload = typeof body === 'object' ? JSON.stringify(body) : body
  const key = gate.alpha.keys.serviceRoleKey
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        port,
        method,
        path: `/projects/${gate.alpha.ref}/storage/v1${route}`,
        headers: {
          apikey: key,
          authorization: `Bearer ${key}`,
          ...(payload !== undefined && {
            'content-type': typeof body === 'object' ? 'application/json' : 'text/plain',
            'content-length': Buffer.byteLength(payload),
          }),
        },
      },
      (answer) => {
        let text = ''
        answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }))
      },
    )
    sent.on('error', reject)
    sent.end(payload)
  })
}

const rowsOf = async (project = gate.alpha) =>
  JSON.stringify(
    await project.runAsOwner(
      `select (select jsonb_agg(jsonb_build_array(bucket_id, name, version) order by bucket_id, name) from storage.objects) as objects,
        (select jsonb_agg(id order by id) from storage.buckets) as buckets`,
    ),
  )

async function filesOutside(): Promise<string[]> {
  const all = await readdir(gate.folder, { recursive: true })
  return all.filter((one) => ![gate.alpha.ref, gate.beta.ref].some((ref) => one === ref || one.startsWith(`${ref}/`))).toSorted()
}

/** A name in an address in the ways in which one gets there: encoded, and as it is when a client can send it so. */
function inAddress(name: string): Set<string> {
  const raw = name.replaceAll(/[^!-~]|[#?]/g, '')
  return new Set([encodeURIComponent(name.toWellFormed()), ...(raw === '' ? [] : [raw])])
}

const VERBS: Record<string, (at: string, name: string) => Promise<{ status: number; text: string }>> = {
  upload: (at) => send('POST', `/object/safe/${at}`, 'hostile'),
  replace: (at) => send('PUT', `/object/safe/${at}`, 'hostile'),
  read: (at) => send('GET', `/object/safe/${at}`),
  describe: (at) => send('GET', `/object/info/safe/${at}`),
  render: (at) => send('GET', `/render/image/authenticated/safe/${at}?width=1`),
  sign: (at) => send('POST', `/object/sign/safe/${at}`, { expiresIn: 60 }),
  'copy to': (_at, name) => send('POST', '/object/copy', { bucketId: 'safe', sourceKey: 'kept.txt', destinationKey: name }),
  list: (_at, name) => send('POST', '/object/list/safe', { prefix: name }),
  remove: (_at, name) => send('DELETE', '/object/safe', { prefixes: [name] }),
}

const BUCKET_VERBS: typeof VERBS = {
  'create bucket': (_at, name) => send('POST', '/bucket', { name }),
  'read bucket': (at) => send('GET', `/bucket/${at}`),
  'read in bucket': (at) => send('GET', `/object/${at}/kept.txt`),
  'put in bucket': (at) => send('POST', `/object/${at}/x`, 'hostile'),
  'delete bucket': (at) => send('DELETE', `/bucket/${at}`),
}

describe('hostile names', () => {
  test('are 81', () => expect(new Set(HOSTILE_NAMES).size).toBe(81))

  test.each([...Object.entries(VERBS), ...Object.entries(BUCKET_VERBS)])(
    '%s: no failure, nothing outside, nothing changed by a refusal',
    async (_verb, run) => {
      const [before, other] = [await filesOutside(), await rowsOf(gate.beta)]
      let rows = await rowsOf()
      for (const name of HOSTILE_NAMES) {
        let isRefused = true
        for (const at of inAddress(name)) {
          const { status, text } = await run(at, name)
          expect(status, `${JSON.stringify(name)} at ${at}: ${text}`).toBeLessThan(500)
          expect(text).not.toContain('outside')
          expect(text).not.toContain('root:')
          isRefused &&= status >= 400
        }
        const after = await rowsOf()
        if (isRefused) expect(after, JSON.stringify(name)).toBe(rows)
        rows = after
      }
      expect(await filesOutside()).toEqual(before)
      expect(await rowsOf(gate.beta)).toBe(other)
      expect(await readFile(outside, 'utf8')).toBe('outside')
      expect((await send('GET', '/object/safe/kept.txt')).text).toBe('kept')
    },
  )

  test('what was accepted comes back under its own name, and only there', async () => {
    await gate.call(gate.alpha, 'POST', '/bucket', { body: { name: 'names' } })
    const kept = new Map<string, string>()
    for (const [i, name] of HOSTILE_NAMES.entries()) {
      const at = encodeURIComponent(name.toWellFormed())
      if ((await send('POST', `/object/names/${at}`, `bytes ${i}`)).status === 200) kept.set(at, `bytes ${i}`)
    }
    expect(kept.size).toBeGreaterThan(20)
    for (const [at, bytes] of kept) expect((await send('GET', `/object/names/${at}`)).text, at).toBe(bytes)
  })
})
