import type { FunctionsAdapter } from '@polder/adapters/functions'
import { functionNameSchema, secretValueSchema, ServiceError, type EdgeFunction } from '@polder/core'
import type { FastifyInstance } from 'fastify'
import { z, type ZodType } from 'zod'
import { noteFunctionChange } from '../platform/audit-functions.ts'
import { readUpload, toUploadForm } from './function-upload.ts'
import type { OpenManaged } from './management-door.ts'

export interface FunctionManagementOptions {
  functions: FunctionsAdapter
  open: OpenManaged
}

const MAX_UPLOAD_BYTES = 24 * 1024 * 1024

const deployQuery = z.object({ slug: functionNameSchema.optional(), bundleOnly: z.string().optional() })
const updateBody = z.looseObject({ verify_jwt: z.boolean().optional() })
const updatesBody = z.array(z.looseObject({ slug: functionNameSchema, verify_jwt: z.boolean().optional() })).max(200)
const secretsBody = z
  .array(z.strictObject({ name: z.string().max(256), value: secretValueSchema }))
  .min(1)
  .max(100)
const namesBody = z.array(z.string().max(256)).max(100)
const slugParams = z.object({ slug: functionNameSchema })

/** `/functions` and `/secrets` of a project, as Supabase's command line asks for them. */
export async function functionManagement(app: FastifyInstance, { functions, open }: FunctionManagementOptions): Promise<void> {
  app.addContentTypeParser(/^multipart\/form-data/, { parseAs: 'buffer', bodyLimit: MAX_UPLOAD_BYTES }, (_request, body, done) =>
    done(null, body),
  )
  app.addContentTypeParser('application/vnd.denoland.eszip', { parseAs: 'buffer' }, (_request, _body, done) =>
    done(new ServiceError('functions.source_invalid', { message: 'Bundles made elsewhere are not taken: deploy with --use-api.' })),
  )

  app.get('/functions', async (request) => {
    const { project } = await open(request, 'functions.read')
    return (await functions.listFunctions(project)).map(toWire)
  })

  app.get('/functions/:slug', async (request) => {
    const { project } = await open(request, 'functions.read')
    return toWire(await functions.getFunction(project, read(slugParams, request.params).slug))
  })

  app.get('/functions/:slug/body', async (request, reply) => {
    const { project } = await open(request, 'functions.read')
    const source = await functions.getSource(project, read(slugParams, request.params).slug)
    const { contentType, body } = await toUploadForm(source)
    return reply.type(contentType).send(body)
  })

  app.post('/functions/deploy', async (request, reply) => {
    const { project, actor } = await open(request, 'functions.write')
    const { slug } = read(deployQuery, request.query)
    const upload = await readUpload(request.headers['content-type'], request.body)
    const name = slug ?? upload.name
    if (name === undefined) throw new ServiceError('functions.name_invalid')
    const { source, verifyJwt } = upload
    const input = { name, source, ...(verifyJwt !== undefined && { verifyJwt }), deployedBy: actor.email, message: 'From the command line' }
    const deployed = await functions.deployFunction(project, input, noteFunctionChange(project, actor, 'function.deploy', name))
    return reply.code(201).send(toWire(deployed))
  })

  // After several uploads: each of them serves already, so what is left to say is whether it asks for a token.
  app.put('/functions', async (request) => {
    const { project, actor } = await open(request, 'functions.write')
    const updated: EdgeFunction[] = []
    for (const { slug, verify_jwt: verifyJwt } of read(updatesBody, request.body)) {
      const found = await functions.getFunction(project, slug)
      const note = noteFunctionChange(project, actor, 'function.set_verify_jwt', slug, { verifyJwt })
      const isSame = verifyJwt === undefined || verifyJwt === found.verifyJwt
      updated.push(isSame ? found : await functions.setVerifyJwt(project, slug, verifyJwt, note))
    }
    return { functions: updated.map(toWire) }
  })

  app.patch('/functions/:slug', async (request) => {
    const { project, actor } = await open(request, 'functions.write')
    const { slug } = read(slugParams, request.params)
    const { verify_jwt: verifyJwt } = read(updateBody, request.body)
    if (verifyJwt === undefined) return toWire(await functions.getFunction(project, slug))
    const note = noteFunctionChange(project, actor, 'function.set_verify_jwt', slug, { verifyJwt })
    return toWire(await functions.setVerifyJwt(project, slug, verifyJwt, note))
  })

  app.delete('/functions/:slug', async (request, reply) => {
    const { project, actor } = await open(request, 'functions.write')
    const { slug } = read(slugParams, request.params)
    await functions.deleteFunction(project, slug, noteFunctionChange(project, actor, 'function.delete', slug))
    return reply.code(200).send()
  })

  app.get('/secrets', async (request) => {
    const { project } = await open(request, 'functions.read')
    const secrets = await functions.listSecrets(project)
    // What stands for the value is its digest, as the command line prints it.
    return secrets.map(({ name, digest, updatedAt }) => ({ name, value: digest, updated_at: updatedAt.toISOString() }))
  })

  app.post('/secrets', async (request, reply) => {
    const { project, actor } = await open(request, 'functions.write')
    const secrets = read(secretsBody, request.body)
    const note = noteFunctionChange(project, actor, 'function_secret.set', secrets.map(({ name }) => name).join(', '))
    await functions.setSecrets(project, { secrets }, note)
    return reply.code(201).send()
  })

  app.delete('/secrets', async (request, reply) => {
    const { project, actor } = await open(request, 'functions.write')
    const names = read(namesBody, request.body)
    await functions.deleteSecrets(project, names, noteFunctionChange(project, actor, 'function_secret.delete', names.join(', ')))
    return reply.code(200).send()
  })
}

function toWire({ id, name, version, verifyJwt, entrypoint, importMap, digest, createdAt, updatedAt }: EdgeFunction) {
  return {
    id,
    slug: name,
    name,
    status: 'ACTIVE',
    version,
    verify_jwt: verifyJwt,
    import_map: importMap !== null,
    import_map_path: importMap,
    entrypoint_path: entrypoint,
    ezbr_sha256: digest,
    created_at: createdAt.getTime(),
    updated_at: updatedAt.getTime(),
  }
}

function read<Value>(schema: ZodType<Value>, input: unknown): Value {
  const parsed = schema.safeParse(input)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new ServiceError('request.invalid', { message: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is not valid'}` })
}
