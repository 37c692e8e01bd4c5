import { z } from 'zod'
import { MAX_OBJECT_BYTES } from './settings.ts'

// As Supabase has them: what S3 takes without special care.
const BUCKET_NAME = /^[A-Za-z0-9_!.*'() &$=@;:+,?-]{1,100}$/
const OBJECT_NAME = /^[A-Za-z0-9_/!.*'() &$=@;:+,?-]{1,1024}$/

/** Whether a bucket can be called that. */
export function isBucketName(name: string): boolean {
  return BUCKET_NAME.test(name)
}

/** Whether an object can be called that. */
export function isObjectName(name: string): boolean {
  return OBJECT_NAME.test(name)
}

export const bucketNameSchema = z.string().regex(BUCKET_NAME, 'has characters that names of buckets cannot have, or is too long')

export const objectNameSchema = z.string().regex(OBJECT_NAME, 'has characters that names of files cannot have, or is too long')

/** One bucket of a project. */
export const bucketSchema = z.object({
  /** Its name; a bucket is never renamed. */
  id: z.string(),
  ownerId: z.string().nullable(),
  /** Whether everybody who knows an object's address can read it. */
  isPublic: z.boolean(),
  /** Most bytes of one object; null for the project's limit. */
  fileSizeLimit: z.number().int().nullable(),
  /** Types that it takes, as `image/png` or `image/*`; null for all. */
  allowedMimeTypes: z.string().array().nullable(),
  createdAt: z.date(),
  updatedAt: z.date(),
})

export type Bucket = z.infer<typeof bucketSchema>

const MIME_TYPE = /^[A-Za-z0-9!#$&^_.+-]{1,100}\/(?:\*|[A-Za-z0-9!#$&^_.+-]{1,100})(?:; ?[a-z]+=[A-Za-z0-9_.-]+)?$|^\*\/\*$/

const bucketOptions = {
  isPublic: z.boolean(),
  fileSizeLimit: z.number().int().min(0).max(MAX_OBJECT_BYTES).nullable(),
  allowedMimeTypes: z.string().regex(MIME_TYPE, 'is no type').array().max(200).nullable(),
}

export const createBucketSchema = z.strictObject({ name: bucketNameSchema, ...z.object(bucketOptions).partial().shape })

export const updateBucketSchema = z.strictObject({ name: bucketNameSchema, ...z.object(bucketOptions).partial().shape })

export type CreateBucket = z.infer<typeof createBucketSchema>

export type UpdateBucket = z.infer<typeof updateBucketSchema>
