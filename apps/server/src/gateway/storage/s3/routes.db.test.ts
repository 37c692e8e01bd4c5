import { createHash, randomBytes } from 'node:crypto'
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { upsertProjectSecrets } from '@polder/db'
import type { TestProject } from '@polder/db/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openStorageGateway, type StorageGateway } from '../testing/storage-gateway.ts'

let gate: StorageGateway
const Bucket = 'files'
const FILE = randomBytes(6 << 20)
const SECRETS = { alpha: 'a'.repeat(64), beta: 'b'.repeat(64) }

beforeAll(async () => {
  gate = await openStorageGateway()
  for (const name of ['alpha', 'beta'] as const) {
    const key = { accessKeyId: `key-of-${name}`, secretAccessKey: SECRETS[name], name, createdAt: new Date().toISOString() }
    await upsertProjectSecrets(gate.cluster.platform, gate.cluster.box, gate[name].ref, { storage_access_keys: JSON.stringify([key]) })
  }
  await clientOf().send(new CreateBucketCommand({ Bucket }))
})
afterAll(() => gate?.[Symbol.asyncDispose]())

function clientOf(credentials: object = {}, project: TestProject = gate.alpha): S3Client {
  return new S3Client({
    endpoint: `${gate.origin}/projects/${project.ref}/storage/v1/s3`,
    region: 'us-east-1',
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: { accessKeyId: 'key-of-alpha', secretAccessKey: SECRETS.alpha, ...credentials },
  })
}

const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest()

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'none',
    (error: { name: string; Code?: string }) => error.Code ?? error.name,
  )
}

test('the official client puts, reads, lists, copies and deletes; tags are MD5s, as tools compare them', async () => {
  const client = clientOf()
  const put = await client.send(
    new PutObjectCommand({ Bucket, Key: 'a/one.txt', Body: 'one', ContentType: 'text/plain', Metadata: { by: 'me' } }),
  )
  expect(put.ETag).toBe(`"${md5(Buffer.from('one')).toString('hex')}"`)
  await client.send(new PutObjectCommand({ Bucket, Key: 'a/b/two.bin', Body: FILE }))
  const got = await client.send(new GetObjectCommand({ Bucket, Key: 'a/b/two.bin' }))
  expect(Buffer.from(await got.Body!.transformToByteArray()).equals(FILE)).toBe(true)
  const listed = await client.send(new ListObjectsV2Command({ Bucket, Prefix: 'a/', Delimiter: '/' }))
  expect([listed.Contents?.map(({ Key }) => Key), listed.CommonPrefixes?.map(({ Prefix }) => Prefix)]).toEqual([['a/one.txt'], ['a/b/']])
  await client.send(new CopyObjectCommand({ Bucket, Key: 'c', CopySource: `${Bucket}/a/one.txt` }))
  expect((await client.send(new HeadObjectCommand({ Bucket, Key: 'c' }))).Metadata).toEqual({ by: 'me' })
  const Objects = ['a/one.txt', 'c', 'never'].map((Key) => ({ Key }))
  expect((await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }))).Deleted).toHaveLength(3)
  expect(await codeOf(client.send(new GetObjectCommand({ Bucket, Key: 'c' })))).toBe('NoSuchKey')
})

test('parts make one object, in their order, with the tag that S3 gives it; others are refused', async () => {
  const client = clientOf()
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'parts', ContentType: 'application/x-thing' }))
  const sent = []
  for (const [PartNumber, Body] of [
    [2, FILE.subarray(5 << 20)],
    [1, FILE.subarray(0, 100)],
    [1, FILE.subarray(0, 5 << 20)],
  ] as const) {
    const { ETag } = await client.send(new UploadPartCommand({ Bucket, Key: 'parts', UploadId, PartNumber, Body }))
    sent.push({ PartNumber, ETag })
  }
  const complete = (Parts: object[]) =>
    client.send(new CompleteMultipartUploadCommand({ Bucket, Key: 'parts', UploadId, MultipartUpload: { Parts } }))
  expect(await codeOf(complete([sent[1]!, sent[0]!]))).toBe('InvalidRequest')
  expect((await client.send(new ListMultipartUploadsCommand({ Bucket }))).Uploads).toHaveLength(1)
  const made = await complete([sent[2]!, sent[0]!])
  const tag = md5(Buffer.concat([md5(FILE.subarray(0, 5 << 20)), md5(FILE.subarray(5 << 20))])).toString('hex')
  expect(made.ETag).toBe(`"${tag}-2"`)
  const got = await client.send(new GetObjectCommand({ Bucket, Key: 'parts' }))
  expect([got.ContentType, Buffer.from(await got.Body!.transformToByteArray()).equals(FILE)]).toEqual(['application/x-thing', true])
  expect((await client.send(new ListMultipartUploadsCommand({ Bucket }))).Uploads ?? []).toEqual([])
  const left: string[] = []
  for await (const { key } of gate.objects.list(`${gate.alpha.ref}/.uploads/`)) left.push(key)
  expect(left).toEqual([])
})

test('only the project’s own keys sign, and only what they signed', async () => {
  const list = (client: S3Client) => codeOf(client.send(new ListBucketsCommand({})))
  expect(await list(clientOf({ secretAccessKey: 'c'.repeat(64) }))).toBe('SignatureDoesNotMatch')
  expect(await list(clientOf({ accessKeyId: 'key-of-beta', secretAccessKey: SECRETS.beta }))).toBe('InvalidAccessKeyId')
  expect(await list(clientOf({}, gate.beta))).toBe('InvalidAccessKeyId')
  expect((await fetch(`${gate.origin}/projects/${gate.alpha.ref}/storage/v1/s3/${Bucket}`)).status).toBe(403)
  await clientOf().send(new PutObjectCommand({ Bucket, Key: 'signed', Body: 'signed' }))
  const url = await getSignedUrl(clientOf(), new GetObjectCommand({ Bucket, Key: 'signed' }), { expiresIn: 60 })
  expect(await (await fetch(url)).text()).toBe('signed')
  for (const other of [
    url.replace('/signed?', '/other?'),
    url.replace('X-Amz-Expires=60', 'X-Amz-Expires=600'),
    url.replace(gate.alpha.ref, gate.beta.ref),
  ]) {
    expect((await fetch(other)).status, other).toBe(403)
  }
  expect((await fetch(url, { method: 'DELETE' })).status).toBe(403)
})

test('a user’s token makes row-level security judge that user', async () => {
  const sub = '11111111-1111-4111-8111-111111111111'
  await gate.alpha.runAsOwner(`create policy own on storage.objects to authenticated using (owner_id = auth.uid()::text)
      with check (auth.uid()::text = '${sub}');
    create policy seen on storage.buckets for select to authenticated using (true)`)
  const { tokens } = await gate.alpha.scope('anon')
  const sign = (user: string) => tokens.sign({ role: 'authenticated', sub: user, exp: Math.floor(Date.now() / 1000) + 600 })
  const as = (user: string) => clientOf({ accessKeyId: gate.alpha.ref, secretAccessKey: gate.alpha.keys.anonKey, sessionToken: sign(user) })
  await as(sub).send(new PutObjectCommand({ Bucket, Key: 'of-user', Body: 'mine' }))
  const other = as('22222222-2222-4222-8222-222222222222')
  expect(await codeOf(other.send(new PutObjectCommand({ Bucket, Key: 'of-other', Body: 'x' })))).toBe('AccessDenied')
  expect(await codeOf(other.send(new GetObjectCommand({ Bucket, Key: 'of-user' })))).toBe('NoSuchKey')
  const listed = await as(sub).send(new ListObjectsV2Command({ Bucket }))
  expect(listed.Contents?.map(({ Key }) => Key)).toEqual(['of-user'])
})

test('bytes that are not what their checksums say are not kept', async () => {
  const client = clientOf()
  for (const wrong of [
    { ContentMD5: md5(Buffer.from('other')).toString('base64') },
    { ChecksumCRC32: 'AAAAAA==' },
    { ChecksumSHA256: 'AAAA' },
  ]) {
    expect(await codeOf(client.send(new PutObjectCommand({ Bucket, Key: 'summed', Body: 'bytes', ...wrong })))).toBe('InvalidChecksum')
    expect(await codeOf(client.send(new GetObjectCommand({ Bucket, Key: 'summed' })))).toBe('NoSuchKey')
  }
})
