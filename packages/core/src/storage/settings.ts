import { z } from 'zod'

/** Most bytes of one object: what S3 allows. */
export const MAX_OBJECT_BYTES = 5_000_000_000_000

const byteCount = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)

/** Settings of a project's storage. */
export const storageSettingsSchema = z.object({
  /** Most bytes of one object; a bucket may allow less. */
  fileSizeLimit: z.number().int().min(1).max(MAX_OBJECT_BYTES),
  /** Most bytes of all objects together; null for what the installation allows. */
  quotaBytes: byteCount.nullable(),
  /** Most bytes of all objects of a bucket together, by its name. */
  bucketQuotas: z.record(z.string().min(1).max(100), byteCount),
  /** Whether images are scaled when they are asked for. */
  areImagesTransformed: z.boolean(),
})

export type StorageSettings = z.infer<typeof storageSettingsSchema>

/** What a new project has: as a new Supabase project. */
export const DEFAULT_STORAGE_SETTINGS: StorageSettings = {
  fileSizeLimit: 50 * 1024 * 1024,
  quotaBytes: null,
  bucketQuotas: {},
  areImagesTransformed: true,
}
