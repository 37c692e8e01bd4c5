import type { Readable } from 'node:stream'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { ServiceError } from '@polder/core'
import { requireKey, requirePrefix } from './object-key.ts'
import type { ByteSpan, ObjectStore, OpenedObject, PutOptions, StoredObject } from './object-store.ts'

export interface S3ObjectStoreOptions {
  /** Absent for AWS itself. */
  endpoint?: string
  region: string
  bucket: string
  accessKeyId: string
  secretAccessKey: string
  /** Begins every key; for a bucket that others use too. */
  prefix?: string
}

/** Pieces that an upload is sent in: ten thousand of them are 80 GB. */
const PART_BYTES = 8 << 20

/** Objects in a bucket of an S3-compatible server. An object there appears when its upload is complete, and not before. */
export function createS3ObjectStore(options: S3ObjectStoreOptions): ObjectStore {
  const { bucket, prefix: root = '' } = options
  const client = new S3Client({
    region: options.region,
    ...(options.endpoint !== undefined && { endpoint: options.endpoint, forcePathStyle: true }),
    credentials: { accessKeyId: options.accessKeyId, secretAccessKey: options.secretAccessKey },
    // Servers other than AWS know no trailing checksums; bytes are hashed by whoever stores them.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
  const toName = (key: string) => root + requireKey(key).join('/')
  const toPrefix = (prefix: string) => `${root}${requirePrefix(prefix).join('/')}/`

  async function put(key: string, source: Readable | Buffer, { onChunk }: PutOptions = {}): Promise<number> {
    const Key = toName(key)
    if (Buffer.isBuffer(source)) {
      onChunk?.(source)
      await client.send(new PutObjectCommand({ Bucket: bucket, Key, Body: source }))
      return source.length
    }
    return await upload(Key, source, onChunk)
  }

  async function upload(Key: string, source: AsyncIterable<Buffer>, onChunk?: (chunk: Buffer) => void): Promise<number> {
    let total = 0
    let UploadId: string | undefined
    const sent: Promise<{ PartNumber: number; ETag: string | undefined }>[] = []
    try {
      for await (const piece of toPieces(source, onChunk)) {
        total += piece.length
        if (piece.length < PART_BYTES && UploadId === undefined) {
          await client.send(new PutObjectCommand({ Bucket: bucket, Key, Body: piece }))
          return total
        }
        UploadId ??= (await client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key }))).UploadId
        const PartNumber = sent.length + 1
        const command = new UploadPartCommand({ Bucket: bucket, Key, UploadId, PartNumber, Body: piece })
        const part = client.send(command).then(({ ETag }) => ({ PartNumber, ETag }))
        part.catch(() => {})
        sent.push(part)
        // Two are on their way at a time.
        await sent.at(-2)
      }
      if (UploadId === undefined) {
        await client.send(new PutObjectCommand({ Bucket: bucket, Key, Body: Buffer.alloc(0) }))
        return 0
      }
      const Parts = await Promise.all(sent)
      await client.send(new CompleteMultipartUploadCommand({ Bucket: bucket, Key, UploadId, MultipartUpload: { Parts } }))
      return total
    } catch (error) {
      await Promise.allSettled(sent)
      if (UploadId !== undefined) {
        await client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId })).catch(() => {})
      }
      throw error
    }
  }

  async function open(key: string, span?: ByteSpan): Promise<OpenedObject | undefined> {
    const Range = span && `bytes=${span.first}-${span.last}`
    const found = await orMissing(client.send(new GetObjectCommand({ Bucket: bucket, Key: toName(key), Range })))
    if (found === undefined) return undefined
    const whole = /\/(\d+)$/.exec(found.ContentRange ?? '')?.[1] ?? found.ContentLength
    return { bytes: Number(whole), body: found.Body as Readable }
  }

  async function* list(prefix: string): AsyncIterable<StoredObject> {
    const Prefix = toPrefix(prefix)
    for (let ContinuationToken: string | undefined; ;) {
      const page = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix, ContinuationToken }))
      for (const { Key = '', Size = 0, LastModified = new Date(0) } of page.Contents ?? []) {
        yield { key: Key.slice(root.length), bytes: Size, modifiedAt: LastModified }
      }
      ContinuationToken = page.IsTruncated === true ? page.NextContinuationToken : undefined
      if (ContinuationToken === undefined) return
    }
  }

  async function remove(keys: readonly string[]): Promise<void> {
    for (let start = 0; start < keys.length; start += 1000) {
      const Objects = keys.slice(start, start + 1000).map((key) => ({ Key: toName(key) }))
      const { Errors } = await client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } }))
      const [failed] = Errors ?? []
      if (failed && failed.Code !== 'NoSuchKey') throw new Error(`${failed.Code}: ${failed.Message}`)
    }
  }

  const store: ObjectStore = {
    kind: 's3',
    put,
    open,
    async stat(key) {
      const found = await orMissing(client.send(new HeadObjectCommand({ Bucket: bucket, Key: toName(key) })))
      return found && { key, bytes: found.ContentLength ?? 0, modifiedAt: found.LastModified ?? new Date(0) }
    },
    async copy(from, to) {
      const CopySource = `${bucket}/${toName(from).split('/').map(encodeURIComponent).join('/')}`
      return (await orMissing(client.send(new CopyObjectCommand({ Bucket: bucket, Key: toName(to), CopySource })))) !== undefined
    },
    join: (from, to, { onChunk } = {}) => upload(toName(to), readAll(from, open), onChunk),
    delete: remove,
    async deleteAll(prefix) {
      let keys: string[] = []
      for await (const { key } of list(prefix)) {
        keys.push(key)
        if (keys.length === 1000) {
          await remove(keys)
          keys = []
        }
      }
      await remove(keys)
    },
    list,
    async sweep(before) {
      const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: root }))
      for (const { Key, UploadId, Initiated } of Uploads) {
        if (Initiated && Initiated < before) await client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }))
      }
    },
  }
  return translated(store)
}

/** Every failure that is not ours in our words. */
function translated(store: ObjectStore): ObjectStore {
  const guard =
    <Args extends unknown[], Result>(work: (...args: Args) => Promise<Result>) =>
    (...args: Args): Promise<Result> =>
      work(...args).catch((error: unknown) => {
        throw fromS3Error(error)
      })
  return {
    kind: store.kind,
    put: guard(store.put),
    open: guard(store.open),
    stat: guard(store.stat),
    copy: guard(store.copy),
    join: guard(store.join),
    delete: guard(store.delete),
    deleteAll: guard(store.deleteAll),
    sweep: guard(store.sweep),
    async *list(prefix) {
      try {
        yield* store.list(prefix)
      } catch (error) {
        throw fromS3Error(error)
      }
    },
  }
}

// A source's own failure is no failure of the store.
function fromS3Error(error: unknown): unknown {
  if (error instanceof ServiceError) return error
  const { $metadata, code } = error as { $metadata?: { httpStatusCode?: number }; code?: string }
  if ($metadata?.httpStatusCode === 507) return new ServiceError('storage.no_space', { cause: error })
  const isRefused = ['ECONNREFUSED', 'ENOTFOUND', 'ETIMEDOUT', 'EHOSTUNREACH', 'EAI_AGAIN'].includes(code ?? '')
  return $metadata !== undefined || isRefused ? new ServiceError('storage.store_unavailable', { cause: error }) : error
}

async function orMissing<Result>(asked: Promise<Result>): Promise<Result | undefined> {
  try {
    return await asked
  } catch (error) {
    const { name, $metadata } = error as { name?: string; $metadata?: { httpStatusCode?: number } }
    if (name === 'NoSuchKey' || name === 'NotFound' || $metadata?.httpStatusCode === 404) return undefined
    throw error
  }
}

async function* toPieces(source: AsyncIterable<Buffer>, onChunk?: (chunk: Buffer) => void): AsyncIterable<Buffer> {
  let waiting: Buffer[] = []
  let bytes = 0
  for await (const chunk of source) {
    onChunk?.(chunk)
    waiting.push(chunk)
    bytes += chunk.length
    while (bytes >= PART_BYTES) {
      const all = Buffer.concat(waiting)
      yield all.subarray(0, PART_BYTES)
      waiting = [all.subarray(PART_BYTES)]
      bytes -= PART_BYTES
    }
  }
  if (bytes > 0) yield Buffer.concat(waiting)
}

async function* readAll(keys: readonly string[], open: ObjectStore['open']): AsyncIterable<Buffer> {
  for (const key of keys) {
    const opened = await open(key)
    if (opened === undefined) throw new ServiceError('storage.part_missing')
    if (Buffer.isBuffer(opened.body)) yield opened.body
    else yield* opened.body as AsyncIterable<Buffer>
  }
}
