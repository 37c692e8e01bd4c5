import { z } from 'zod'
import { bucketNameSchema, objectNameSchema } from './bucket.ts'

/** One object of a bucket, as the dashboard and the SDK see it. */
export const fileSchema = z.object({
  id: z.string(),
  /** Its whole name, with the folders. */
  name: z.string(),
  bytes: z.number(),
  type: z.string(),
  cacheControl: z.string(),
  etag: z.string(),
  ownerId: z.string().nullable(),
  userMetadata: z.record(z.string(), z.unknown()),
  createdAt: z.date(),
  updatedAt: z.date(),
})

export type StorageFile = z.infer<typeof fileSchema>

/** A folder is what names before a slash have in common; nothing keeps it. */
export const folderPageSchema = z.object({
  /** Whole names, each with a slash at its end. */
  folders: z.string().array(),
  files: fileSchema.array(),
  /** Hand it in for what comes next; null at the end. */
  next: z.string().nullable(),
})

export type FolderPage = z.infer<typeof folderPageSchema>

export const listFilesSchema = z.strictObject({
  bucket: bucketNameSchema,
  /** Whole name of a folder, with a slash at its end; empty for the bucket itself. */
  folder: z.string().max(1024).default(''),
  /** Only names that contain it, in either case, anywhere under the folder. */
  search: z.string().max(200).optional(),
  after: z.string().max(2048).optional(),
  limit: z.number().int().min(1).max(1000).default(200),
})

export const fileNamesSchema = z.strictObject({ bucket: bucketNameSchema, names: objectNameSchema.array().min(1).max(1000) })

/** Names of objects and of folders; a folder, which ends with a slash, stands for all that is in it. */
export const selectionSchema = z.strictObject({
  bucket: bucketNameSchema,
  names: z.string().min(1).max(1024).array().min(1).max(1000),
})

export const transferFilesSchema = z.strictObject({
  ...selectionSchema.shape,
  toBucket: bucketNameSchema,
  /** With a slash at its end; empty for the bucket itself. */
  toFolder: z.string().max(1024),
  /** The folder that the selection was made in: what comes after it in each name is kept. */
  fromFolder: z.string().max(1024),
})

/** A selection in a folder, whose name the archive's names leave out. */
export const archiveFilesSchema = z.strictObject({ ...selectionSchema.shape, fromFolder: z.string().max(1024) })

export type ArchiveFiles = z.infer<typeof archiveFilesSchema>

export const createFileUrlSchema = z.strictObject({
  bucket: bucketNameSchema,
  name: objectNameSchema,
  expiresInSeconds: z.number().int().min(1).max(31_536_000),
  /** Name under which a browser saves it; absent to show it. */
  download: z.string().max(255).optional(),
})

/** What a bucket takes up, as the servers counted it. */
export const bucketUsageSchema = z.object({ bucket: z.string(), bytes: z.number(), objects: z.number() })

export const storageUsageSchema = z.object({
  buckets: bucketUsageSchema.array(),
  bytes: z.number(),
  objects: z.number(),
  /** Most bytes that the project may have; null for no limit. */
  quotaBytes: z.number().nullable(),
})

export type StorageUsage = z.infer<typeof storageUsageSchema>
