import { randomUUID } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { projectRefSchema } from '@polder/core'
import { selectProjectSecrets, createSecretBox, type ProjectScope } from '@polder/db'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Services } from '../services.ts'
import { openTestServer, untilEnded, type TestAccount, type TestServer } from '../testing/test-server.ts'
import { createStorageSweep } from './storage-sweep.ts'

let server: TestServer
let services: Services
let owner: TestAccount
let ref: string
let project: ProjectScope

beforeAll(async () => {
  server = await openTestServer()
  services = await server.start()
  owner = await server.createAccount('owner')
  ;({ ref, project } = await createProject())
})
afterAll(() => server?.[Symbol.asyncDispose]())

async function createProject(): Promise<{ ref: string; project: ProjectScope }> {
  const made = await services.projects.create(owner.actor, { organizationId: server.cluster.organizationId, name: 'Files' })
  await untilEnded(server, made.project.ref)
  const { accountId } = owner.account
  const access = await services.router.validateProjectAccess(made.project.ref, { kind: 'member', accountId, permission: 'storage.write' })
  return { ref: made.project.ref, project: await services.router.getConnection(access) }
}

const put = (bucket: string, name: string, bytes: number, scope = project) =>
  services.adapters.storage.uploadFile(scope, {
    bucket,
    name,
    body: Buffer.alloc(bytes),
    type: 'text/plain',
    cacheControl: 'no-cache',
    isUpsert: true,
  })

async function filesOf(of: string): Promise<string[]> {
  const entries = await readdir(path.join(server.folder, 'projects', of), { recursive: true, withFileTypes: true }).catch(() => [])
  return entries.filter((entry) => entry.isFile()).map((entry) => path.relative(server.folder, path.join(entry.parentPath, entry.name)))
}

test('an access key is shown once, kept sealed, and refused when it is deleted', async () => {
  const made = await services.storageAccessKeys.create(owner.actor, ref, 'backup tool')
  expect(made.secretAccessKey).toMatch(/^[0-9a-f]{64}$/)
  const listed = await services.storageAccessKeys.list(ref)
  expect(listed).toEqual([{ accessKeyId: made.accessKeyId, name: 'backup tool', createdAt: made.createdAt }])
  const rows = await server.cluster.platform.selectFrom('project_secrets').select('value').where('ref', '=', ref).execute()
  expect(rows.some(({ value }) => value.includes(made.secretAccessKey))).toBe(false)
  const { storage_access_keys: text } = await selectProjectSecrets(server.cluster.platform, createSecretBox(server.masterKey), ref)
  expect(text).toContain(made.secretAccessKey)
  const open = () =>
    services.router.validateProjectAccess(ref, {
      kind: 'signed',
      accessKeyId: made.accessKeyId,
      sessionToken: undefined,
      isSignedBy: (secret) => secret === made.secretAccessKey,
    })
  // Servers hear of a new key a moment later.
  await expect.poll(() => open().then(({ caller }) => caller.role, String)).toBe('service_role')
  await services.storageAccessKeys.remove(owner.actor, ref, made.accessKeyId)
  await expect
    .poll(() =>
      open().then(
        () => 'open',
        (error: { code: string }) => error.code,
      ),
    )
    .toBe('storage.access_key_unknown')
  await expect(services.storageAccessKeys.remove(owner.actor, ref, made.accessKeyId)).rejects.toMatchObject({
    code: 'storage.access_key_unknown',
  })
})

test('what buckets take up is counted, also over replacing, copying, moving and deleting', async () => {
  const { storage } = services.adapters
  for (const name of ['one', 'two']) await storage.createBucket(project, { name })
  await put('one', 'a', 1000)
  await put('one', 'a', 400)
  await put('one', 'b', 100_000)
  await storage.copyFile(project, { from: { bucket: 'one', name: 'b' }, to: { bucket: 'one', name: 'c' }, isUpsert: false })
  await storage.moveFile(project, { bucket: 'one', name: 'c' }, { bucket: 'two', name: 'c' })
  await storage.deleteFiles(project, 'one', ['b', 'never'])
  const usage = await services.storageUsage.get(ref)
  const byName = Object.fromEntries(usage.buckets.map(({ bucket, ...rest }) => [bucket, rest]))
  expect(byName).toEqual({ one: { bytes: 400, objects: 1 }, two: { bytes: 100_000, objects: 1 } })
  expect([usage.bytes, usage.objects, usage.quotaBytes]).toEqual([100_400, 2, null])
})

test('a quota is kept, for the project and for a bucket, and gives way to what is deleted', async () => {
  const made = await createProject()
  await services.adapters.storage.createBucket(made.project, { name: 'full' })
  await services.adapters.storage.createBucket(made.project, { name: 'narrow' })
  await services.projectSettings.update(owner.actor, made.ref, 'storage', { quotaBytes: 200_000, bucketQuotas: { narrow: 1000 } })
  const scope = async () => {
    const access = await services.router.validateProjectAccess(made.ref, {
      kind: 'member',
      accountId: owner.account.accountId,
      permission: 'storage.write',
    })
    return await services.router.getConnection(access)
  }
  await expect.poll(async () => (await scope()).configuration.storage.quotaBytes).toBe(200_000)
  await put('full', 'a', 150_000, await scope())
  await expect(put('full', 'b', 100_000, await scope())).rejects.toMatchObject({ code: 'storage.quota_exceeded' })
  await expect(put('narrow', 'c', 1001, await scope())).rejects.toMatchObject({ code: 'storage.quota_exceeded' })
  await services.adapters.storage.deleteFiles(await scope(), 'full', ['a'])
  await put('full', 'b', 100_000, await scope())
  expect((await services.storageUsage.get(made.ref)).bytes).toBe(100_000)
})

test('the sweep removes what no row names, and nothing else; SQL that deletes rows leaves orphans to it', async () => {
  const { storage } = services.adapters
  await storage.createBucket(project, { name: 'swept' })
  await put('swept', 'kept', 10)
  await put('swept', 'deleted-by-sql', 10)
  await put('swept', 'large', 100_000)
  const orphan = `${ref}/swept/ab/${randomUUID()}`
  await services.objects.put(orphan, Buffer.from('left by a process that died'))
  await using session = await project.db.openOwnerSession()
  await session.client.query(`delete from storage.objects where name = 'deleted-by-sql'`)
  await services.storageUsage.flush()
  const swept = filesOf(ref).then((files) => files.filter((file) => file.includes('/swept/')).length)
  expect(await swept).toBe(4)
  const sweep = createStorageSweep({
    platform: server.cluster.platform,
    storage,
    open: () => Promise.resolve(project),
    observe: () => {},
    settledMs: 0,
  })
  const young = createStorageSweep({ platform: server.cluster.platform, storage, open: () => Promise.resolve(project), observe: () => {} })
  await young.run(true)
  expect((await filesOf(ref)).filter((file) => file.includes('/swept/'))).toHaveLength(4)
  await sweep.run(true)
  const left = (await filesOf(ref)).filter((file) => file.includes('/swept/'))
  expect(left).toHaveLength(2)
  expect(left.some((file) => file.endsWith(orphan.slice(-36)))).toBe(false)
  const { buckets } = await services.storageUsage.get(ref)
  expect(buckets.find(({ bucket }) => bucket === 'swept')).toEqual({ bucket: 'swept', bytes: 100_010, objects: 2 })
  await Promise.all([sweep.stop(), young.stop()])
})

test('deleting a project removes its files', async () => {
  const made = await createProject()
  await services.adapters.storage.createBucket(made.project, { name: 'gone' })
  await put('gone', 'x', 100_000, made.project)
  expect((await filesOf(made.ref)).length).toBe(1)
  await services.projects.delete(owner.actor, projectRefSchema.parse(made.ref), 'Files')
  await untilEnded(server, made.ref)
  expect(await filesOf(made.ref)).toEqual([])
})

describe('an archive of a selection', () => {
  const post = (ref: string, ticket: string) =>
    services.storageDownloads.open(ref, ticket).then(async ({ fileName, pieces }) => {
      const chunks: Uint8Array[] = []
      for await (const chunk of pieces) chunks.push(chunk)
      return { fileName, bytes: Buffer.concat(chunks) }
    })

  test('has the files and what is in the folders, without the names of the folders above', async () => {
    const { project, ref } = await createProject()
    await services.adapters.storage.createBucket(project, { name: 'packed' })
    for (const name of ['a/b/one.txt', 'a/b/c/two.txt', 'a/b/..', 'a/other.txt']) await put('packed', name, 10, project)
    const files = { bucket: 'packed', names: ['a/b/one.txt', 'a/b/c/', 'a/b/..', 'a/b/gone.txt'], fromFolder: 'a/b/' }
    const { ticket } = services.storageDownloads.create(owner.actor, ref, files)
    const { fileName, bytes } = await post(ref, ticket)
    expect(fileName).toBe('b.zip')
    expect(bytes.subarray(-22).readUInt16LE(8)).toBe(3)
    const text = bytes.toString('latin1')
    for (const name of ['one.txt', 'c/two.txt', '_..']) expect(text).toContain(`${name}`)
    expect(text).not.toContain('other')
    expect(text).not.toContain('a/b/')
  })

  test('is for who asked, in this project, for a minute', async () => {
    const { ref } = await createProject()
    const other = await createProject()
    const { ticket } = services.storageDownloads.create(owner.actor, ref, { bucket: 'packed', names: ['x'], fromFolder: '' })
    for (const [of, text] of [
      [other.ref, ticket],
      [ref, `${ticket.slice(0, -4)}AAAA`],
      [ref, ''],
      ['..', ticket],
    ] as const) {
      await expect(post(of, text)).rejects.toMatchObject({ code: 'request.not_found' })
    }
  })
})
