import { z } from 'zod'

const number = z.union([
  z.number(),
  z
    .string()
    .regex(/^-?\d{1,6}(?:\.\d{1,6})?$/)
    .transform(Number),
])

/** How an image is to be scaled, in storage-js' words; from a query, numbers are texts. */
export const transformSchema = z
  .object({
    width: number.pipe(z.number().int().min(0).max(100_000)).optional(),
    height: number.pipe(z.number().int().min(0).max(100_000)).optional(),
    resize: z.enum(['cover', 'contain', 'fill']).optional(),
    quality: number.pipe(z.number().int().min(20).max(100)).optional(),
    format: z.enum(['origin', 'webp', 'avif']).optional(),
    gravity: z.enum(['no', 'so', 'ea', 'we', 'noea', 'nowe', 'soea', 'sowe', 'ce', 'sm', 'fp']).optional(),
    x_offset: number.optional(),
    y_offset: number.optional(),
  })
  .refine(({ gravity, x_offset: x = -1, y_offset: y = -1 }) => gravity !== 'fp' || (x >= 0 && x <= 1 && y >= 0 && y <= 1), {
    message: 'Focal point requires x and y coordinates within 0-1 range',
    path: ['gravity'],
  })

export type Transform = z.output<typeof transformSchema>

const RESIZES = { cover: 'fill', contain: 'fit', fill: 'force' } as const

/** What was done, as `X-Transformations` says it, in imgproxy's words and order (storage-api src/storage/renderer/image.ts). */
export function toTransformations(transform: Transform): string {
  const { width, height, resize = 'cover', quality, format, gravity, x_offset: x, y_offset: y } = transform
  const parts: string[] = []
  if (height) parts.push(`height:${clamp(height)}`)
  if (width) parts.push(`width:${clamp(width)}`)
  if (width || height) parts.push(`resizing_type:${RESIZES[resize]}`)
  if (quality) parts.push(`quality:${quality}`)
  if (format && format !== 'origin') parts.push(`format:${format}`)
  if (gravity === 'sm') parts.push('gravity:sm')
  else if (gravity) parts.push(`gravity:${gravity}${x === undefined && y === undefined ? '' : `:${x ?? 0}:${y ?? 0}`}`)
  return parts.join(',')
}

const clamp = (size: number): number => Math.min(size, 2500)
