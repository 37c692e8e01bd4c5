import { ServiceError, type Project, type SigningKey, type SigningKeyStatus } from '@polder/core'
import {
  createProjectSigningKeys,
  createProjectTokens,
  insertAuditEntry,
  insertSigningKey,
  keepFormerJwtSecret,
  makeSigningKey,
  openSigningKeys,
  parseSigningKey,
  selectProjectForUpdate,
  selectProjectSecrets,
  selectSealedSigningKeys,
  signProjectKeys,
  signWithSecret,
  toIssuer,
  updateSigningKeyStatus,
  upsertProjectSecrets,
  type MadeSigningKey,
  type PlatformDatabase,
  type PlatformEvents,
  type ProjectSecrets,
  type SecretBox,
  type StoredSigningKey,
} from '@polder/db'
import { randomUUID } from 'node:crypto'
import type { Actor } from './actor.ts'

export interface SigningKeysDependencies {
  platform: PlatformDatabase
  box: SecretBox
  events: Pick<PlatformEvents, 'publish'>
  publicUrl: string
}

/** A project's keys and secrets, its row held. */
interface Held {
  tx: PlatformDatabase
  project: Project
  secrets: ProjectSecrets
  keys: StoredSigningKey[]
}

/** Each is published and tried; nobody rotates faster than that tokens end. */
const MOST_KEYS = 10

/** The keys that a project's tokens are signed with. Every process goes by a change at once. Who may is checked before, by the procedure. */
export function createSigningKeys({ platform, box, events, publicUrl }: SigningKeysDependencies) {
  async function change(
    actor: Actor,
    ref: string,
    work: (held: Held) => Promise<{ action: string; kid: string; details?: Record<string, unknown> }>,
  ): Promise<SigningKey[]> {
    return platform.transaction().execute(async (tx) => {
      const project = await selectProjectForUpdate(tx, ref)
      if (!project) throw new ServiceError('project.not_found')
      const secrets = await selectProjectSecrets(tx, box, ref)
      const keys = openSigningKeys(box, ref, await selectSealedSigningKeys(tx, ref), secrets)
      const { action, kid, details } = await work({ tx, project, secrets, keys })
      const { organizationId } = project
      await insertAuditEntry(tx, { actor, organizationId, ref, action: `signing_key.${action}`, target: kid, ...(details && { details }) })
      await events.publish({ type: 'project_changed', ref: project.ref }, tx)
      return list(tx, ref)
    })
  }

  async function addStandby({ tx, project, keys }: Held, made: MadeSigningKey, isImported: boolean): Promise<void> {
    requireRoom(keys)
    if (find(keys, 'standby')) throw new ServiceError('auth.standby_key_exists')
    if (keys.some(({ kid }) => kid === made.kid)) throw new ServiceError('auth.signing_key_exists')
    await insertSigningKey(tx, box, project.ref, { ...made, status: 'standby', isImported })
  }

  /** Signs the API keys anew where the key that signed them verifies no more. */
  async function renewKeys(held: Held, revoked: StoredSigningKey): Promise<boolean> {
    const { ref } = held.project
    const issuer = toIssuer(`${publicUrl}/projects/${ref}`)
    const keys = createProjectSigningKeys(held.keys.filter((key) => key !== revoked))
    if (isGood(createProjectTokens({ ref, issuer, keys }), held.secrets.anon_key)) return false
    const signed = signProjectKeys({ ref, issuer }, (claims) => keys.sign(claims))
    await upsertProjectSecrets(held.tx, box, ref, { anon_key: signed.anonKey, service_role_key: signed.serviceRoleKey })
    return true
  }

  return {
    /** All keys, the oldest first. */
    list: (ref: string) => list(platform, ref),

    /** Makes a key that stands by. Throws `auth.standby_key_exists`. */
    async create(actor: Actor, ref: string, algorithm: 'ES256' | 'RS256'): Promise<SigningKey[]> {
      const made = await makeSigningKey(algorithm)
      return change(actor, ref, async (held) => {
        await addStandby(held, made, false)
        return { action: 'create', kid: made.kid, details: { algorithm } }
      })
    },

    /** Takes a private key that stands by. Throws `auth.signing_key_invalid`, `auth.signing_key_exists`, `auth.standby_key_exists`. */
    async import(actor: Actor, ref: string, jwk: Record<string, unknown>): Promise<SigningKey[]> {
      const made = parseSigningKey(jwk)
      return change(actor, ref, async (held) => {
        await addStandby(held, made, true)
        return { action: 'import', kid: made.kid, details: { algorithm: made.algorithm } }
      })
    },

    /** Lets the key that stands by sign; the one before verifies on. Throws `auth.standby_key_missing`. */
    rotate(actor: Actor, ref: string): Promise<SigningKey[]> {
      return change(actor, ref, async ({ tx, keys }) => {
        const standby = find(keys, 'standby')
        if (!standby) throw new ServiceError('auth.standby_key_missing')
        const before = find(keys, 'in_use')
        if (before) await updateSigningKeyStatus(tx, ref, before.kid, 'previously_used')
        await updateSigningKeyStatus(tx, ref, standby.kid, 'in_use')
        return { action: 'rotate', kid: standby.kid, details: { before: before?.kid ?? null } }
      })
    },

    /**
     * Ends a key: every token and API key that it signed is worthless at once. The project's own API keys are signed anew where it
     * signed them. Throws `auth.signing_key_not_found`, `auth.signing_key_in_use`.
     */
    revoke(actor: Actor, ref: string, kid: string): Promise<SigningKey[]> {
      return change(actor, ref, async (held) => {
        const key = requireKey(held.keys, kid)
        if (key.status === 'in_use') throw new ServiceError('auth.signing_key_in_use')
        await updateSigningKeyStatus(held.tx, ref, kid, 'revoked')
        const hasRenewedKeys = await renewKeys(held, key)
        return { action: 'revoke', kid, details: { hasRenewedKeys } }
      })
    },

    /** Lets a key stand by again that was used or revoked before. Throws `auth.signing_key_not_found`, `auth.signing_key_in_use`, `auth.standby_key_exists`. */
    reinstate(actor: Actor, ref: string, kid: string): Promise<SigningKey[]> {
      return change(actor, ref, async ({ tx, keys }) => {
        const key = requireKey(keys, kid)
        if (key.status === 'in_use') throw new ServiceError('auth.signing_key_in_use')
        if (find(keys, 'standby')) throw new ServiceError('auth.standby_key_exists')
        if (key.status === 'revoked') requireRoom(keys)
        await updateSigningKeyStatus(tx, ref, kid, 'standby')
        return { action: 'reinstate', kid, details: { from: key.status } }
      })
    },

    /**
     * Takes the JWT secret of a project elsewhere: tokens and API keys that it signed work here. The secret of before verifies on
     * until it is revoked. The project's API keys are signed anew with the one that came.
     */
    importJwtSecret(actor: Actor, ref: string, secret: string): Promise<SigningKey[]> {
      return change(actor, ref, async ({ tx, keys }) => {
        if (keys.some((key) => key.algorithm === 'HS256' && key.secret === secret)) throw new ServiceError('auth.signing_key_exists')
        requireRoom(keys)
        const signing = find(keys, 'in_use')
        const isSigning = signing?.algorithm === 'HS256'
        if (signing && isSigning) await updateSigningKeyStatus(tx, ref, signing.kid, 'previously_used')
        for (const key of keys) if (key.algorithm === 'HS256') await keepFormerJwtSecret(tx, box, ref, key)
        const kid = randomUUID()
        const status = isSigning ? 'in_use' : 'previously_used'
        await insertSigningKey(tx, box, ref, { kid, algorithm: 'HS256', status, isImported: true, publicJwk: null, secret: null })
        const issuer = toIssuer(`${publicUrl}/projects/${ref}`)
        const signed = signProjectKeys({ ref, issuer }, (claims) => signWithSecret(claims, secret))
        const { anonKey, serviceRoleKey } = signed
        await upsertProjectSecrets(tx, box, ref, { jwt_secret: secret, anon_key: anonKey, service_role_key: serviceRoleKey })
        return { action: 'import_secret', kid, details: { before: signing?.kid ?? null } }
      })
    },
  }
}

async function list(tx: PlatformDatabase, ref: string): Promise<SigningKey[]> {
  return (await selectSealedSigningKeys(tx, ref)).map(({ sealed: _sealed, ...key }) => key)
}

function find(keys: StoredSigningKey[], status: SigningKeyStatus): StoredSigningKey | undefined {
  return keys.find((key) => key.status === status)
}

function requireKey(keys: StoredSigningKey[], kid: string): StoredSigningKey {
  const key = keys.find((one) => one.kid === kid)
  if (!key) throw new ServiceError('auth.signing_key_not_found')
  return key
}

function requireRoom(keys: StoredSigningKey[]): void {
  if (keys.filter(({ status }) => status !== 'revoked').length >= MOST_KEYS) throw new ServiceError('auth.too_many_signing_keys')
}

function isGood(tokens: { verify(token: string): unknown }, token: string | undefined): boolean {
  try {
    return token !== undefined && tokens.verify(token) !== undefined
  } catch {
    return false
  }
}
