import type { ObjectName } from '@polder/adapters/storage'
import { isObjectName, ServiceError } from '@polder/core'
import type { FastifyRequest } from 'fastify'

/** Bucket and object of a route's `:bucket/*`, decoded. Throws `storage.object_name_invalid`. */
export function requireName(request: FastifyRequest): ObjectName {
  const { bucket = '', '*': name = '' } = request.params as { bucket?: string; '*'?: string }
  return { bucket, name: requireObjectName(name) }
}

export function requireObjectName(name: string): string {
  if (!isObjectName(name))
    throw new ServiceError('storage.object_name_invalid', { message: `Invalid key: ${name.toWellFormed().slice(0, 200)}` })
  return name
}
