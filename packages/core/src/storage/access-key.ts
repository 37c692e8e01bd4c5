import { z } from 'zod'
import { isPlainText } from '../plain-text.ts'

/** Secrets of a project's storage. */
export const STORAGE_SECRET_NAMES = ['storage_access_keys'] as const

export type StorageSecretName = (typeof STORAGE_SECRET_NAMES)[number]

/** A key of a project for S3 tools; they act with it as the service role. */
export const storageAccessKeySchema = z.object({
  accessKeyId: z.string(),
  name: z.string(),
  createdAt: z.date(),
})

export type StorageAccessKey = z.infer<typeof storageAccessKeySchema>

/** As it is kept, sealed, in one secret with all others. */
export const storedAccessKeySchema = z.object({
  accessKeyId: z.string(),
  secretAccessKey: z.string(),
  name: z.string(),
  createdAt: z.iso.datetime(),
})

export type StoredAccessKey = z.infer<typeof storedAccessKeySchema>

export const createAccessKeySchema = z.strictObject({
  name: z.string().trim().min(1).max(100).refine(isPlainText, 'has control characters'),
})

/** The only time that the secret is shown. */
export const createdAccessKeySchema = z.object({
  accessKeyId: z.string(),
  secretAccessKey: z.string(),
  name: z.string(),
  createdAt: z.date(),
})

export const MAX_ACCESS_KEYS = 50
