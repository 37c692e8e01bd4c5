import { isSourcePath, ServiceError, SOURCE_LIMITS, type FunctionSource } from '@polder/core'
import { z } from 'zod'

/** A function as the command line sends it. */
export interface FunctionUpload {
  name: string | undefined
  verifyJwt: boolean | undefined
  source: FunctionSource
}

const metadataSchema = z.looseObject({
  name: z.string().optional(),
  entrypoint_path: z.string().min(1).max(1024),
  import_map_path: z.string().max(1024).nullish(),
  verify_jwt: z.boolean().optional(),
})

/** Reads the form: `metadata`, and a part `file` for each file with its path as the file's name. Throws `functions.source_invalid`. */
export async function readUpload(contentType: string | undefined, body: unknown): Promise<FunctionUpload> {
  if (!Buffer.isBuffer(body) || contentType === undefined) throw invalid('The function is not sent as a form.')
  let form: FormData
  try {
    form = await new Response(new Uint8Array(body), { headers: { 'content-type': contentType } }).formData()
  } catch (cause) {
    throw new ServiceError('functions.source_invalid', { message: 'The form cannot be read.', cause })
  }
  const metadata = await readMetadata(form.get('metadata'))
  const files = form.getAll('file').filter((part): part is File => typeof part !== 'string')
  if (files.length > SOURCE_LIMITS.files) throw new ServiceError('functions.source_too_large')
  const paths = [metadata.entrypoint_path, ...files.map(({ name }) => name)].map(toParts)
  const toPath = createPathFinder(paths)
  const seen = new Map<string, FunctionSource['files'][number]>()
  for (const file of files) {
    const path = toPath(file.name)
    // The same file can be sent more than once: for its import map, and for what imports it.
    seen.set(path, { path, content: Buffer.from(await file.arrayBuffer()).toString('base64'), encoding: 'base64' })
  }
  const importMap = metadata.import_map_path ? toPath(metadata.import_map_path) : undefined
  return {
    name: metadata.name,
    verifyJwt: metadata.verify_jwt,
    source: {
      files: [...seen.values()],
      entrypoint: toPath(metadata.entrypoint_path),
      ...(importMap !== undefined && seen.has(importMap) && { importMap }),
    },
  }
}

/** The form by which the command line downloads a function. */
export async function toUploadForm(source: FunctionSource): Promise<{ contentType: string; body: Buffer }> {
  const form = new FormData()
  form.append('metadata', JSON.stringify({ deno2_entrypoint_path: source.entrypoint }))
  for (const { path, content, encoding } of source.files) form.append('file', new Blob([Buffer.from(content, encoding ?? 'utf8')]), path)
  const response = new Response(form)
  return { contentType: response.headers.get('content-type') ?? 'multipart/form-data', body: Buffer.from(await response.arrayBuffer()) }
}

async function readMetadata(part: File | string | null) {
  const text = part === null ? '' : typeof part === 'string' ? part : await part.text()
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new ServiceError('functions.source_invalid', { message: 'The metadata is not JSON.', cause })
  }
  const parsed = metadataSchema.safeParse(value)
  if (!parsed.success) throw invalid('The metadata names no entrypoint_path.')
  return parsed.data
}

/** Paths are told from the folder that the command ran in, and files of other folders come with `../`: all are put below the highest one. */
function createPathFinder(paths: string[][]): (path: string) => string {
  const climbs = Math.max(0, ...paths.map((parts) => parts.filter((part) => part === '..').length))
  return (path) => {
    const parts = toParts(path)
    const up = parts.filter((part) => part === '..').length
    // A folder that was climbed out of is named by how deep it lies.
    const above = Array.from({ length: climbs - up }, (_, depth) => `up${climbs - up - depth}`)
    const found = [...above, ...parts.slice(up)].join('/')
    if (!isSourcePath(found)) throw invalid(`The path ${JSON.stringify(path.slice(0, 100))} is not one inside the upload.`)
    return found
  }
}

/** The path's parts, with `.` and inner `..` worked out: what is left of `..` stands first. */
function toParts(path: string): string[] {
  const parts: string[] = []
  for (const part of path.replace(/^file:\/\//, '').split('/')) {
    if (part === '' || part === '.') continue
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop()
    else parts.push(part)
  }
  return parts
}

function invalid(message: string): ServiceError {
  return new ServiceError('functions.source_invalid', { message })
}
