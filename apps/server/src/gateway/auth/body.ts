import type { Metadata } from '@polder/adapters/auth'
import { ServiceError } from '@polder/core'

/** A request's JSON object, read as GoTrue's structs are: null counts as absent, another type is an error that names the field. */
export interface JsonBody {
  /** Empty when absent. */
  text(name: string): string
  findText(name: string): string | undefined
  flag(name: string): boolean
  findFlag(name: string): boolean | undefined
  findObject(name: string): Metadata | undefined
}

/** Reads the bytes of a body; its content type does not matter. Throws `request.invalid`. */
export function parseBody(bytes: unknown): JsonBody {
  const fields = parseObject(bytes)
  const find = (name: string) => (Object.hasOwn(fields, name) ? (fields[name] ?? undefined) : undefined)

  function findText(name: string): string | undefined {
    const value = find(name)
    if (value === undefined || typeof value === 'string') return value
    throw cannotParse(`${name} must be a string`)
  }

  function findFlag(name: string): boolean | undefined {
    const value = find(name)
    if (value === undefined || typeof value === 'boolean') return value
    throw cannotParse(`${name} must be a boolean`)
  }

  return {
    text: (name) => findText(name) ?? '',
    findText,
    flag: (name) => findFlag(name) ?? false,
    findFlag,
    findObject(name) {
      const value = find(name)
      if (value === undefined || isObject(value)) return value
      throw cannotParse(`${name} must be an object`)
    },
  }
}

function parseObject(bytes: unknown): Record<string, unknown> {
  if (!Buffer.isBuffer(bytes) || bytes.length === 0) throw cannotParse('unexpected end of JSON input')
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch (cause) {
    throw cannotParse('invalid syntax', cause)
  }
  if (value === null) return {}
  if (!isObject(value)) throw cannotParse('it must be an object')
  return value
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function cannotParse(why: string, cause?: unknown): ServiceError {
  return new ServiceError('request.invalid', { message: `Could not parse request body as JSON: ${why}`, cause })
}
