import {
  archiveFilesSchema,
  bucketNameSchema,
  bucketSchema,
  createAccessKeySchema,
  createBucketSchema,
  createdAccessKeySchema,
  createFileUrlSchema,
  fileNamesSchema,
  fileSchema,
  folderPageSchema,
  listFilesSchema,
  objectNameSchema,
  selectionSchema,
  storageAccessKeySchema,
  storageSettingsSchema,
  storageUsageSchema,
  transferFilesSchema,
  updateBucketSchema,
} from '@polder/core'
import { z } from 'zod'
import { noInput, noOutput, projectProcedure, projectRecordProcedure, router } from '../trpc.ts'

const bucketOnly = z.strictObject({ name: bucketNameSchema })
const count = z.object({ count: z.number().int() })

/** The buckets and files of a project, for its members: they see everything. */
export const storageRouter = router({
  listBuckets: projectProcedure('storage.read')
    .input(noInput)
    .output(bucketSchema.array())
    .query(({ ctx }) => ctx.services.adapters.storage.listBuckets(ctx.project)),

  getBucket: projectProcedure('storage.read')
    .input(bucketOnly)
    .output(bucketSchema)
    .query(({ ctx, input }) => ctx.services.adapters.storage.getBucket(ctx.project, input.name)),

  listFiles: projectProcedure('storage.read')
    .input(listFilesSchema)
    .output(folderPageSchema)
    .query(({ ctx, input }) => ctx.services.adapters.storage.listFolder(ctx.project, input)),

  getFile: projectProcedure('storage.read')
    .input(z.strictObject({ bucket: bucketNameSchema, name: objectNameSchema }))
    .output(fileSchema)
    .query(({ ctx, input }) => ctx.services.adapters.storage.getFileDetails(ctx.project, input)),

  getFileUrl: projectProcedure('storage.read')
    .input(createFileUrlSchema)
    .output(z.object({ url: z.string() }))
    .query(({ ctx, input }) => ctx.services.storageFiles.createUrl(ctx.project, input)),

  createBucket: projectProcedure('storage.write')
    .input(createBucketSchema)
    .output(bucketSchema)
    .mutation(({ ctx, input }) => ctx.services.storageFiles.createBucket(ctx.project, ctx.actor, input)),

  updateBucket: projectProcedure('storage.write')
    .input(updateBucketSchema)
    .output(bucketSchema)
    .mutation(({ ctx, input }) => ctx.services.storageFiles.updateBucket(ctx.project, ctx.actor, input)),

  emptyBucket: projectProcedure('storage.write')
    .input(bucketOnly)
    .output(count)
    .mutation(async ({ ctx, input }) => ({ count: await ctx.services.storageFiles.emptyBucket(ctx.project, ctx.actor, input.name) })),

  deleteBucket: projectProcedure('storage.write')
    .input(bucketOnly)
    .output(noOutput)
    .mutation(async ({ ctx, input }) => (await ctx.services.storageFiles.deleteBucket(ctx.project, ctx.actor, input.name)) ?? {}),

  createUploads: projectProcedure('storage.write')
    .input(fileNamesSchema.extend({ isUpsert: z.boolean().default(false) }))
    .output(z.object({ endpoint: z.string(), tokens: z.string().array() }))
    .mutation(({ ctx, input }) => ctx.services.storageFiles.createUploads(ctx.project, ctx.actor, input)),

  deleteFiles: projectProcedure('storage.write')
    .input(selectionSchema)
    .output(count)
    .mutation(async ({ ctx, input }) => ({ count: await ctx.services.storageFiles.deleteFiles(ctx.project, ctx.actor, input) })),

  moveFiles: projectProcedure('storage.write')
    .input(transferFilesSchema)
    .output(count)
    .mutation(async ({ ctx, input }) => ({ count: await ctx.services.storageFiles.moveFiles(ctx.project, ctx.actor, input) })),

  copyFiles: projectProcedure('storage.write')
    .input(transferFilesSchema)
    .output(count)
    .mutation(async ({ ctx, input }) => ({ count: await ctx.services.storageFiles.copyFiles(ctx.project, ctx.actor, input) })),

  createDownload: projectProcedure('storage.read')
    .input(archiveFilesSchema)
    .output(z.object({ url: z.string(), ticket: z.string() }))
    .mutation(({ ctx, input }) => ctx.services.storageDownloads.create(ctx.actor, ctx.project.ref, input)),

  listAccessKeys: projectRecordProcedure('storage.read')
    .input(noInput)
    .output(storageAccessKeySchema.array())
    .query(({ ctx }) => ctx.services.storageAccessKeys.list(ctx.record.ref)),

  createAccessKey: projectRecordProcedure('storage.configure')
    .input(createAccessKeySchema)
    .output(createdAccessKeySchema)
    .mutation(({ ctx, input }) => ctx.services.storageAccessKeys.create(ctx.actor, ctx.record.ref, input.name)),

  deleteAccessKey: projectRecordProcedure('storage.configure')
    .input(z.strictObject({ accessKeyId: z.string().max(100) }))
    .output(noOutput)
    .mutation(async ({ ctx, input }) => (await ctx.services.storageAccessKeys.remove(ctx.actor, ctx.record.ref, input.accessKeyId)) ?? {}),

  getUsage: projectRecordProcedure('storage.read')
    .input(noInput)
    .output(storageUsageSchema)
    .query(({ ctx }) => ctx.services.storageUsage.get(ctx.record.ref)),

  getSettings: projectRecordProcedure('storage.read')
    .input(noInput)
    .output(storageSettingsSchema)
    .query(({ ctx }) => ctx.services.projectSettings.get(ctx.record.ref, 'storage')),

  updateSettings: projectRecordProcedure('storage.configure')
    .input(storageSettingsSchema.partial().strict())
    .output(storageSettingsSchema)
    .mutation(({ ctx, input }) => ctx.services.projectSettings.update(ctx.actor, ctx.record.ref, 'storage', input)),
})
