import type { Caller } from '@polder/core'

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i

/** Whom a new row belongs to: `owner` is the older column, and takes uuids only. */
export interface Owner {
  owner: string | null
  ownerId: string | null
}

export function toOwner(ownerId: string | null | undefined): Owner {
  if (ownerId === null || ownerId === undefined || ownerId === '') return { owner: null, ownerId: null }
  return { owner: UUID.test(ownerId) ? ownerId : null, ownerId }
}

/** The user of the caller's token. */
export function ownerOf(caller: Caller): Owner {
  return toOwner(caller.kind === 'app' ? caller.claims.sub : null)
}
