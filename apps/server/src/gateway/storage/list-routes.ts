import type { EntryRow, StorageAdapter } from '@polder/adapters/storage'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { readJson } from './json-body.ts'
import { toEntryJson } from './object-json.ts'

const plainText = (max: number) =>
  z
    .string()
    .max(max)
    .refine((text) => text.isWellFormed() && !text.includes('\0'), 'is no text')

const searchBody = z.object({
  prefix: plainText(1024).default(''),
  limit: z.number().int().min(1).max(10_000).default(100),
  offset: z.number().int().min(0).max(1_000_000_000).default(0),
  search: plainText(1024).nullish(),
  sortBy: z
    .object({ column: z.enum(['name', 'updated_at', 'created_at', 'last_accessed_at']).default('name'), order: z.string().nullish() })
    .nullish(),
})

const listBody = z.object({
  prefix: plainText(1024).nullish(),
  limit: z.number().int().min(1).default(1000),
  cursor: z.string().max(4096).nullish(),
  with_delimiter: z.boolean().nullish(),
  sortBy: z.object({ column: z.enum(['name', 'updated_at', 'created_at']), order: z.enum(['asc', 'desc']).nullish() }).nullish(),
})

/** The two listings of Supabase. */
export function listRoutes(app: FastifyInstance, storage: StorageAdapter): void {
  app.post('/object/list/:bucket', async (request) => {
    const { bucket } = request.params as { bucket: string }
    const { prefix, limit, offset, search, sortBy } = await readJson(request, searchBody)
    const found = await storage.searchFolder(request.project, {
      bucket,
      folder: prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`,
      limit,
      offset,
      search: search ?? '',
      sortColumn: sortBy?.column ?? 'name',
      isDescending: sortBy?.order?.toLowerCase() === 'desc',
    })
    return found.map(toEntryJson)
  })

  app.post('/object/list-v2/:bucket', async (request) => {
    const { bucket } = request.params as { bucket: string }
    const body = await readJson(request, listBody)
    const prefix = body.prefix ?? ''
    const page = await storage.listObjects(request.project, {
      bucket,
      prefix,
      limit: Math.min(body.limit, 1000),
      delimiter: body.with_delimiter === true ? '/' : undefined,
      cursor: body.cursor ?? undefined,
      sortColumn: body.sortBy?.column,
      isDescending: body.sortBy?.order === 'desc',
    })
    return {
      hasNext: page.hasNext,
      ...(page.nextCursor !== undefined && { nextCursor: page.nextCursor }),
      folders: page.folders.map((entry) => ({ key: entry.name.replace(/\/$/, ''), name: entry.name })),
      objects: page.objects.map(toListedJson),
    }
  })
}

function toListedJson(entry: EntryRow) {
  return { key: entry.name, ...toEntryJson(entry) }
}
