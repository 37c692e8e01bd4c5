import { createHash } from 'node:crypto'
import { ServiceError } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import type { Sharp } from 'sharp'
import type { OpenedObject } from '../object-store/index.ts'
import { openBytes } from './read.ts'
import { readWhole } from './resumable.ts'
import type { StorageParts } from './storage-parts.ts'
import { toImagePrefix } from './stored-keys.ts'
import type { StoredFile } from './stored-object.ts'

/** How an image is to be scaled; what is absent stays as it is. */
export interface ImageTransform {
  width?: number | undefined
  height?: number | undefined
  /** `cover` cuts off what does not fit, `contain` fits all in, `fill` ignores proportions. */
  resize?: 'cover' | 'contain' | 'fill' | undefined
  quality?: number | undefined
  /** `origin` is the source's own. */
  format?: 'origin' | 'webp' | 'avif' | undefined
  /** Which part `cover` keeps: a side, `sm` what draws attention, `fp` the point at the offsets (0 to 1). */
  gravity?: string | undefined
  xOffset?: number | undefined
  yOffset?: number | undefined
}

export interface RenderedImage extends OpenedObject {
  type: string
}

const MAX_SOURCE_BYTES = 25 << 20
const MAX_PIXELS = 40_000_000
const MAX_SIDE = 2500
const TIMEOUT_SECONDS = 15
/** Each takes a processor for itself. */
const MAX_RUNNING = 2
const MAX_WAITING = 200

const FORMATS = { jpeg: 'image/jpeg', png: 'image/png', webp: 'image/webp', gif: 'image/gif', avif: 'image/avif' } as const

type Format = keyof typeof FORMATS

const GRAVITIES: Record<string, string> = {
  no: 'north',
  so: 'south',
  ea: 'east',
  we: 'west',
  noea: 'northeast',
  nowe: 'northwest',
  soea: 'southeast',
  sowe: 'southwest',
  ce: 'centre',
}

export type ImageRenderer = ReturnType<typeof createImageRenderer>

/** Scales images, two at a time, and keeps what it made: a version of a file is never rendered the same way twice. */
export function createImageRenderer(parts: StorageParts) {
  let running = 0
  const waiting: (() => void)[] = []

  async function inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    if (running >= MAX_RUNNING) {
      if (waiting.length >= MAX_WAITING) throw new ServiceError('system.busy')
      await new Promise<void>((resolve) => waiting.push(resolve))
    }
    running += 1
    try {
      return await work()
    } finally {
      running -= 1
      waiting.shift()?.()
    }
  }

  /** Throws `storage.image_invalid` for what is no image that can be scaled, or too large a one. */
  return async (project: ProjectScope, file: StoredFile, transform: ImageTransform): Promise<RenderedImage> => {
    const shape = createHash('sha256')
      .update(JSON.stringify(toShape(transform)))
      .digest('hex')
      .slice(0, 32)
    const prefix = file.version === null ? undefined : `${toImagePrefix(project.ref)}${file.version.replaceAll(/[^0-9a-f-]/g, '')}/`
    for (const format of Object.keys(FORMATS) as Format[]) {
      const kept = prefix === undefined ? undefined : await parts.objects.open(`${prefix}${shape}.${format}`)
      if (kept !== undefined) return { ...kept, type: FORMATS[format] }
    }
    if (file.bytes > MAX_SOURCE_BYTES)
      throw new ServiceError('storage.image_invalid', { message: 'The source image file is too large to process' })
    const { body, format } = await inTurn(async () => render(await readSource(parts, project, file), transform))
    if (prefix !== undefined) {
      // Not to have it kept is no failure of this answer.
      await parts.objects
        .put(`${prefix}${shape}.${format}`, body)
        .catch((cause: unknown) => parts.observe({ kind: 'error', ref: project.ref, code: 'storage.store_unavailable', cause }))
    }
    return { body, bytes: body.length, type: FORMATS[format] }
  }
}

async function readSource(parts: StorageParts, project: ProjectScope, file: StoredFile): Promise<Buffer> {
  const opened = await openBytes(parts, project, file)
  // What a row says of its size may be anything.
  if (opened.bytes <= MAX_SOURCE_BYTES) return await readWhole(opened)
  if (!Buffer.isBuffer(opened.body)) opened.body.destroy()
  throw new ServiceError('storage.image_invalid', { message: 'The source image file is too large to process' })
}

async function render(source: Buffer, transform: ImageTransform): Promise<{ body: Buffer; format: Format }> {
  // Loaded with the first image: it brings its own libraries.
  const { default: sharp } = await import('sharp')
  try {
    const image = sharp(source, { limitInputPixels: MAX_PIXELS, sequentialRead: true, failOn: 'truncated', pages: 1 })
    const { format: found, width, height, compression } = await image.metadata()
    const own = found === 'heif' && compression === 'av1' ? 'avif' : found
    // Neither documents nor drawings: what they refer to would be read as well.
    if (!['jpeg', 'png', 'webp', 'gif', 'avif', 'tiff'].includes(own ?? '')) throw new Error(`format ${own}`)
    const format = toFormat(own!, transform.format)
    const scaled = scale(image.rotate(), transform, { width: width ?? 0, height: height ?? 0 })
    const body = await encode(scaled.timeout({ seconds: TIMEOUT_SECONDS }), format, transform.quality ?? 80).toBuffer()
    return { body, format }
  } catch (cause) {
    throw new ServiceError('storage.image_invalid', { cause })
  }
}

function toFormat(own: string, wanted: ImageTransform['format']): Format {
  if (wanted === 'webp' || wanted === 'avif') return wanted
  return own === 'tiff' ? 'png' : (own as Format)
}

function encode(image: Sharp, format: Format, quality: number): Sharp {
  switch (format) {
    case 'jpeg':
      return image.jpeg({ quality })
    case 'png':
      return image.png()
    case 'webp':
      return image.webp({ quality })
    case 'avif':
      return image.avif({ quality, effort: 2 })
    case 'gif':
      return image.gif()
  }
}

function scale(image: Sharp, transform: ImageTransform, source: { width: number; height: number }): Sharp {
  const width = toSide(transform.width)
  const height = toSide(transform.height)
  if (width === undefined && height === undefined) return image
  if (transform.resize === 'fill') return image.resize({ width, height, fit: 'fill' })
  if (transform.resize === 'contain') return image.resize({ width, height, fit: 'inside', withoutEnlargement: true })
  if (transform.gravity === 'fp' && width !== undefined && height !== undefined && source.width > 0 && source.height > 0) {
    return cutAround(image, { width, height }, source, { x: transform.xOffset ?? 0.5, y: transform.yOffset ?? 0.5 })
  }
  const position = transform.gravity === 'sm' ? 'attention' : (GRAVITIES[transform.gravity ?? 'ce'] ?? 'centre')
  return image.resize({ width, height, fit: 'cover', position })
}

/** As `cover`, with the point as near to the middle as it can be. */
function cutAround(image: Sharp, wanted: { width: number; height: number }, source: typeof wanted, point: { x: number; y: number }): Sharp {
  const factor = Math.max(wanted.width / source.width, wanted.height / source.height)
  const width = Math.max(wanted.width, Math.round(source.width * factor))
  const height = Math.max(wanted.height, Math.round(source.height * factor))
  const left = Math.min(Math.max(0, Math.round(width * point.x - wanted.width / 2)), width - wanted.width)
  const top = Math.min(Math.max(0, Math.round(height * point.y - wanted.height / 2)), height - wanted.height)
  return image.resize({ width, height, fit: 'fill' }).extract({ left, top, ...wanted })
}

function toSide(side: number | undefined): number | undefined {
  return side === undefined || side === 0 ? undefined : Math.min(side, MAX_SIDE)
}

function toShape(transform: ImageTransform): unknown[] {
  const { width, height, resize, quality, format, gravity, xOffset, yOffset } = transform
  return [toSide(width), toSide(height), resize ?? 'cover', quality ?? 80, format ?? 'origin', gravity ?? 'ce', xOffset, yOffset]
}
