import type { Readable } from 'node:stream'
import type { CreateBucket, Observe, UpdateBucket } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import type { ByteSpan, ObjectStore } from '../object-store/index.ts'
import { archiveFiles, type ArchiveRequest } from './archive.ts'
import { createBucketCache } from './bucket-cache.ts'
import { changeBucket, createBucket, emptyBucket, getBucket, listBuckets, removeBucket } from './buckets.ts'
import { findSelected, getFileDetails, listFolder, type FolderRequest } from './files.ts'
import { createImageRenderer, type ImageTransform } from './images.ts'
import { listObjects, searchObjects, type PageRequest } from './list.ts'
import {
  abortMultipart,
  completeMultipart,
  copyPart,
  createMultipart,
  listMultiparts,
  listParts,
  putPart,
  type PartInput,
} from './multipart.ts'
import type { BucketListing } from './queries/buckets.ts'
import type { FolderSearch } from './queries/listings.ts'
import { findNames, getObject, openBytes, type ObjectName, type ReadDoor } from './read.ts'
import { removeAll, removeObject, removeObjects } from './remove.ts'
import {
  appendResumable,
  createResumable,
  dropResumablePiece,
  finishResumable,
  getResumable,
  readResumableLimit,
  removeResumable,
  setResumableSize,
} from './resumable.ts'
import { readLink, signLink, type LinkClaims } from './signed-link.ts'
import type { StorageParts } from './storage-parts.ts'
import type { StoredFile } from './stored-object.ts'
import { removeProjectFiles, sweepBucket, sweepProject } from './sweep.ts'
import { copyObject, moveObject, type CopyInput } from './transfer.ts'
import { judgeUpload, requireUploadable, uploadObject, type NewObject, type UploadInput } from './upload.ts'
import { UNMETERED, type UsageMeter } from './usage-meter.ts'

export interface StorageAdapterDependencies {
  objects: ObjectStore
  usage?: UsageMeter
  observe: Observe
}

export type StorageAdapter = ReturnType<typeof createStorageAdapter>

/** A project's buckets and the objects in them. Row-level security judges the caller in each of these, unless it says otherwise. */
export function createStorageAdapter({ objects, usage = UNMETERED, observe }: StorageAdapterDependencies) {
  const parts: StorageParts = { objects, usage, observe, buckets: createBucketCache() }
  const renderImage = createImageRenderer(parts)
  return {
    createBucket: (project: ProjectScope, input: CreateBucket) => createBucket(parts, project, input),
    getBucket: (project: ProjectScope, id: string) => getBucket(project, id),
    listBuckets: (project: ProjectScope, listing?: BucketListing) => listBuckets(project, listing),
    updateBucket: (project: ProjectScope, input: UpdateBucket) => changeBucket(parts, project, input),
    emptyBucket: (project: ProjectScope, id: string) => emptyBucket(parts, project, id),
    deleteBucket: (project: ProjectScope, id: string) => removeBucket(parts, project, id),

    uploadFile: (project: ProjectScope, input: UploadInput) => uploadObject(parts, project, input),
    /** Throws where the caller could not upload that; changes nothing. */
    async judgeUpload(project: ProjectScope, input: NewObject, { isTypeKnown = true } = {}): Promise<void> {
      if (isTypeKnown) await requireUploadable(parts, project, input)
      else await parts.buckets.get(project, input.bucket)
      await judgeUpload(project, input)
    },
    /** Of a row; `open` gives its bytes. */
    getFile: (project: ProjectScope, door: ReadDoor, object: ObjectName) => getObject(project, door, object),
    openFile: (project: ProjectScope, file: StoredFile, span?: ByteSpan) => openBytes(parts, project, file, span),
    /** An object that the caller may read, with its bytes. */
    async downloadFile(project: ProjectScope, object: ObjectName) {
      const file = await getObject(project, 'caller_or_public', object)
      return { file, ...(await openBytes(parts, project, file)) }
    },
    copyFile: (project: ProjectScope, input: CopyInput) => copyObject(parts, project, input),
    moveFile: (project: ProjectScope, from: ObjectName, to: ObjectName) => moveObject(parts, project, from, to),
    deleteFile: (project: ProjectScope, object: ObjectName) => removeObject(parts, project, object),
    /** Deletes these; answers those of them that are still there, since the caller may not. */
    deleteAllOf: (project: ProjectScope, bucket: string, names: readonly string[]) => removeAll(parts, project, bucket, names),
    deleteFiles: (project: ProjectScope, bucket: string, names: readonly string[]) => removeObjects(parts, project, bucket, names),
    searchFolder: (project: ProjectScope, search: FolderSearch) => searchObjects(project, search),
    listObjects: (project: ProjectScope, request: PageRequest) => listObjects(project, request),

    listFolder: (project: ProjectScope, request: FolderRequest) => listFolder(project, request),
    getFileDetails: (project: ProjectScope, object: ObjectName) => getFileDetails(project, object),
    findSelected: (project: ProjectScope, bucket: string, names: readonly string[]) => findSelected(project, bucket, names),

    archiveFiles: (project: ProjectScope, request: ArchiveRequest) => archiveFiles(parts, project, request),

    renderImage: (project: ProjectScope, file: StoredFile, transform: ImageTransform) => renderImage(project, file, transform),

    createMultipart: (project: ProjectScope, object: NewObject) => createMultipart(parts, project, object),
    putPart: (project: ProjectScope, input: PartInput) => putPart(parts, project, input),
    copyPart: (project: ProjectScope, input: Parameters<typeof copyPart>[2]) => copyPart(parts, project, input),
    completeMultipart: (project: ProjectScope, object: ObjectName, uploadId: string, wanted: readonly { number: number; etag: string }[]) =>
      completeMultipart(parts, project, object, uploadId, wanted),
    abortMultipart: (project: ProjectScope, object: ObjectName, uploadId: string) => abortMultipart(parts, project, object, uploadId),
    listMultiparts: (project: ProjectScope, input: Parameters<typeof listMultiparts>[1]) => listMultiparts(project, input),
    listParts: (project: ProjectScope, input: Parameters<typeof listParts>[1]) => listParts(project, input),

    createResumable: (project: ProjectScope, object: NewObject, size: number | null) => createResumable(parts, project, object, size),
    readResumableLimit: (project: ProjectScope, object: NewObject) => readResumableLimit(parts, project, object),
    getResumable: (project: ProjectScope, id: string) => getResumable(parts, project, id),
    setResumableSize: (project: ProjectScope, id: string, size: number) => setResumableSize(parts, project, id, size),
    appendResumable: (project: ProjectScope, upload: { id: string }, offset: number, body: Readable, onChunk?: (chunk: Buffer) => void) =>
      appendResumable(parts, project, upload, offset, body, onChunk),
    dropResumablePiece: (project: ProjectScope, id: string, offset: number) => dropResumablePiece(parts, project, id, offset),
    finishResumable: (project: ProjectScope, id: string) => finishResumable(parts, project, id),
    removeResumable: (project: ProjectScope, id: string) => removeResumable(parts, project, id),

    sweepBucket: (project: ProjectScope, bucket: string, before: Date) => sweepBucket(parts, project, bucket, before),
    sweepProject: (ref: string, times: { uploads: Date; images: Date }) => sweepProject(parts, ref, times),
    sweepStore: (before: Date) => objects.sweep(before),
    /** All files of a project that is being deleted. */
    removeProject: (ref: string) => removeProjectFiles(parts, ref),

    /** Which of the names a link could be signed for. */
    findLinkable: (project: ProjectScope, bucket: string, names: readonly string[]) =>
      findNames(project, bucket, names, 'storage.object.sign'),
    signLink: (project: ProjectScope, claims: LinkClaims, expiresInSeconds: number) => signLink(project, claims, expiresInSeconds),
    readLink: <Scope extends LinkClaims['scope']>(project: ProjectScope, token: string, scope: Scope, { bucket, name }: ObjectName) =>
      readLink(project, token, scope, `${bucket}/${name}`),
  }
}
