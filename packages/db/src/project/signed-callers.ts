import { ServiceError, storedAccessKeySchema, type AccessRequest, type AppCaller } from '@polder/core'
import type { ProjectTokens } from './project-tokens.ts'
import type { ServiceSecrets } from './service-secrets.ts'

type SignedRequest = Extract<AccessRequest, { kind: 'signed' }>

export interface SignedCallersOptions {
  ref: string
  anonKey: string
  tokens: ProjectTokens
  secrets: ServiceSecrets
}

/** The callers of one project who sign their requests, as S3 tools do. */
export interface SignedCallers {
  /** Throws `storage.access_key_unknown`, `storage.signature_mismatch`, or what a wrong session token is refused with. */
  require(request: SignedRequest): AppCaller
}

/**
 * A key of the project signs as the service role. With a user's token in the request, the project's ref and its public key sign, and the
 * caller is that user, as Supabase's storage has it.
 */
export function createSignedCallers({ ref, anonKey, tokens, secrets }: SignedCallersOptions): SignedCallers {
  let known: { text: string; keys: Map<string, string> } | undefined
  const service: AppCaller = {
    kind: 'app',
    role: 'service_role',
    claims: Object.freeze({ role: 'service_role' }),
    claimsJson: '{"role":"service_role"}',
    hasUserToken: false,
  }

  function readKeys(): Map<string, string> {
    const text = secrets.find('storage_access_keys') ?? '[]'
    if (known?.text !== text) {
      const stored = storedAccessKeySchema.array().parse(JSON.parse(text))
      known = { text, keys: new Map(stored.map((key) => [key.accessKeyId, key.secretAccessKey])) }
    }
    return known.keys
  }

  return {
    require({ accessKeyId, sessionToken, isSignedBy }) {
      if (sessionToken !== undefined) {
        if (accessKeyId !== ref) throw new ServiceError('storage.access_key_unknown')
        if (!isSignedBy(anonKey)) throw new ServiceError('storage.signature_mismatch')
        const claims = tokens.verify(sessionToken)
        return { kind: 'app', role: claims.role, claims, claimsJson: JSON.stringify(claims), hasUserToken: true }
      }
      const secret = readKeys().get(accessKeyId)
      if (secret === undefined) throw new ServiceError('storage.access_key_unknown')
      if (!isSignedBy(secret)) throw new ServiceError('storage.signature_mismatch')
      return service
    },
  }
}
