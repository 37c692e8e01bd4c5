import { randomUUID } from 'node:crypto'
import type { PublicJwk, SigningAlgorithm, SigningKeyStatus } from '@polder/core'
import { sql } from 'kysely'
import type { PlatformDatabase } from './platform-database.ts'
import type { ProjectSecrets } from './project-secrets.ts'
import type { SecretBox } from './secret-box.ts'

/** A signing key with its secret in clear, as the verifier needs it. */
export interface StoredSigningKey {
  kid: string
  algorithm: SigningAlgorithm
  status: SigningKeyStatus
  isImported: boolean
  publicJwk: PublicJwk | null
  /** The shared secret, or the private key as JWK text. */
  secret: string
  createdAt: Date
  updatedAt: Date
}

export interface NewSigningKey {
  kid: string
  algorithm: SigningAlgorithm
  status: SigningKeyStatus
  isImported: boolean
  publicJwk: PublicJwk | null
  /** Null for the project's `jwt_secret`, which is kept with its other secrets. */
  secret: string | null
}

interface SealedSigningKey extends Omit<StoredSigningKey, 'secret'> {
  sealed: Buffer | null
}

/** Rows of a project's keys, the oldest first, not opened yet. */
export async function selectSealedSigningKeys(tx: PlatformDatabase, ref: string): Promise<SealedSigningKey[]> {
  return tx
    .selectFrom('signing_keys')
    .select(['kid', 'algorithm', 'status', 'is_imported as isImported', 'public_jwk as publicJwk', 'private_key as sealed'])
    .select(['created_at as createdAt', 'updated_at as updatedAt'])
    .where('ref', '=', ref)
    .orderBy('created_at')
    .orderBy('kid')
    .execute()
}

/** Opens the rows of one project. Throws `project.secret_unreadable` where one does not open. */
export function openSigningKeys(box: SecretBox, ref: string, rows: SealedSigningKey[], secrets: ProjectSecrets): StoredSigningKey[] {
  return rows.flatMap(({ sealed, ...key }) => {
    const secret = sealed === null ? secrets.jwt_secret : box.open(ref, toSecretName(key.kid), sealed)
    return secret === undefined ? [] : [{ ...key, secret }]
  })
}

/** Adds a key. */
export async function insertSigningKey(tx: PlatformDatabase, box: SecretBox, ref: string, key: NewSigningKey): Promise<void> {
  await tx
    .insertInto('signing_keys')
    .values({
      ref,
      kid: key.kid,
      algorithm: key.algorithm,
      status: key.status,
      is_imported: key.isImported,
      public_jwk: key.publicJwk === null ? null : JSON.stringify(key.publicJwk),
      private_key: key.secret === null ? null : box.seal(ref, toSecretName(key.kid), key.secret),
    })
    .execute()
}

/** Lets the project's `jwt_secret` sign, as in every new project; does nothing where a key signs already. */
export async function insertFirstSigningKey(tx: PlatformDatabase, ref: string): Promise<void> {
  await tx
    .insertInto('signing_keys')
    .values({ ref, kid: randomUUID(), algorithm: 'HS256', status: 'in_use', public_jwk: null, private_key: null })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

/** Moves a key on. */
export async function updateSigningKeyStatus(tx: PlatformDatabase, ref: string, kid: string, status: SigningKeyStatus): Promise<void> {
  await tx
    .updateTable('signing_keys')
    .set({ status, updated_at: sql<Date>`now()` })
    .where('ref', '=', ref)
    .where('kid', '=', kid)
    .execute()
}

/** Gives the key whose secret is the project's `jwt_secret` a copy of its own, so that the name is free for another. */
export async function keepFormerJwtSecret(tx: PlatformDatabase, box: SecretBox, ref: string, key: StoredSigningKey): Promise<void> {
  await tx
    .updateTable('signing_keys')
    .set({ private_key: box.seal(ref, toSecretName(key.kid), key.secret) })
    .where('ref', '=', ref)
    .where('kid', '=', key.kid)
    .where('private_key', 'is', null)
    .execute()
}

function toSecretName(kid: string): string {
  return `signing_key ${kid}`
}
