import { z } from 'zod'

/** Most files of one function, and most bytes of all together. */
export const SOURCE_LIMITS = { files: 1000, bytes: 10 * 1024 * 1024 }

/** A file's path inside the upload: relative, without `.`, `..`, empty parts, backslashes or control characters. */
export const sourcePathSchema = z.string().min(1).max(512).refine(isSourcePath, 'is not a relative path inside the upload')

/** Whether the text is a path inside an upload and nothing else. */
export function isSourcePath(path: string): boolean {
  // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
  if (!path.isWellFormed() || /[\u0000-\u001f\u007f\\:]/.test(path)) return false
  return path.split('/').every((part) => part !== '' && part !== '.' && part !== '..' && part.length <= 255)
}

export const sourceFileSchema = z.strictObject({
  path: sourcePathSchema,
  content: z.string().max(SOURCE_LIMITS.bytes),
  /** How `content` writes the file's bytes; text when absent. */
  encoding: z.enum(['utf8', 'base64']).optional(),
})

export type SourceFile = z.infer<typeof sourceFileSchema>

/** The files of one function as they were written. */
export const functionSourceSchema = z.strictObject({
  files: sourceFileSchema.array().min(1).max(SOURCE_LIMITS.files),
  /** Path of the file that is run. */
  entrypoint: sourcePathSchema,
  /** Path of an import map or deno.json; the nearest deno.json above the entrypoint when absent. */
  importMap: sourcePathSchema.nullable().optional(),
})

export type FunctionSource = z.infer<typeof functionSourceSchema>
