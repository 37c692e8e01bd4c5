import type { StorageAdapter } from '@polder/adapters/storage'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { readJson } from './json-body.ts'
import { requireName } from './object-name.ts'
import { transformSchema } from './transform.ts'
import { encodePath } from './write-routes.ts'

const seconds = z
  .number()
  .int()
  .min(1)
  .max(10 * 365 * 86_400)
const signBody = z.object({ expiresIn: seconds, transform: transformSchema.nullish() })
const signManyBody = z.object({ expiresIn: seconds, paths: z.string().array().min(1).max(1000) })

/** Links that let whoever has them read an object, for a time. */
export function linkRoutes(app: FastifyInstance, storage: StorageAdapter): void {
  app.post('/object/sign/:bucket/*', async (request) => {
    const { project } = request
    const object = requireName(request)
    const { expiresIn, transform } = await readJson(request, signBody)
    // Throws for what the caller may not see.
    await storage.getFile(project, 'caller_or_public', object)
    const url = `${object.bucket}/${object.name}`
    const hasTransform = transform != null && Object.keys(transform).length > 0 && project.configuration.storage.areImagesTransformed
    const token = storage.signLink(project, { scope: 'download', url, ...(hasTransform && { transform }) }, expiresIn)
    return { signedURL: `/${hasTransform ? 'render/image' : 'object'}/sign/${encodePath(url)}?token=${token}` }
  })

  app.post('/object/sign/:bucket', async (request) => {
    const { project } = request
    const { bucket } = request.params as { bucket: string }
    const { expiresIn, paths } = await readJson(request, signManyBody)
    const there = await storage.findLinkable(
      project,
      bucket,
      paths.filter((path) => path.isWellFormed() && !path.includes('\0')),
    )
    return paths.map((path) => {
      if (!there.has(path)) {
        return { error: 'Either the object does not exist or you do not have access to it', path, signedURL: null }
      }
      const url = `${bucket}/${path}`
      const token = storage.signLink(project, { scope: 'download', url }, expiresIn)
      return { error: null, path, signedURL: `/object/sign/${encodePath(url)}?token=${token}` }
    })
  })
}
