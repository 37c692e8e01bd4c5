import { ServiceError, type AppCaller, type ProjectRef } from '@polder/core'
import type { ServerAddress } from '../cluster/server-address.ts'
import type { Login } from '../connect.ts'
import type { SecretBox } from '../platform/secret-box.ts'
import type { StoredProject } from '../platform/project-configurations.ts'
import type { ProjectSecretName } from '../platform/project-secrets.ts'
import type { ConnectionPoolManager } from '../pool-manager.ts'
import { createAppCallers, type AppCallers } from './app-callers.ts'
import { createProjectDatabase, type ProjectDatabaseFactory } from './open-project-database.ts'
import type { ProjectConfiguration } from './project-configuration.ts'
import { toLoginName } from './project-names.ts'
import { createProjectSigningKeys } from './project-signing-keys.ts'
import { createProjectTokens, type ProjectTokens } from './project-tokens.ts'
import { createSignedCallers, type SignedCallers } from './signed-callers.ts'
import { toServiceSecrets, type ServiceSecrets } from './service-secrets.ts'

/** An active project as a server process keeps it: what every scope of it shares. */
export interface OpenProject {
  readonly ref: ProjectRef
  readonly configuration: ProjectConfiguration
  readonly tokens: ProjectTokens
  readonly secrets: ServiceSecrets
  deriveKey(purpose: string): Buffer
  readonly callers: AppCallers
  readonly signers: SignedCallers
  readonly database: ProjectDatabaseFactory
  /** Where the router keeps what it made for a caller, as long as the caller is remembered. */
  readonly accesses: WeakMap<AppCaller, object>
}

export interface OpenProjectOptions {
  pools: ConnectionPoolManager
  box: Pick<SecretBox, 'derive'>
  replication?: { user: string; password: string }
}

/** Makes the parts that a project's scopes share; takes no connection. */
export function openProject(stored: StoredProject, address: ServerAddress, options: OpenProjectOptions): OpenProject {
  const { pools, box, replication } = options
  const derived = new Map<string, Buffer>()
  const { configuration } = stored
  const { ref } = configuration
  const secret = (name: ProjectSecretName): string => {
    const value = stored.secrets[name]
    if (value === undefined) throw new ServiceError('system.unexpected', { cause: new Error(`Project ${ref} has no secret ${name}.`) })
    return value
  }
  const login = (name: 'authenticator' | 'platform' | 'owner'): Login => {
    return { address, database: configuration.databaseName, user: toLoginName(ref, name), password: secret(`${name}_password`) }
  }
  const tokens = createProjectTokens({ ref, issuer: toIssuer(configuration.url), keys: createProjectSigningKeys(stored.signingKeys) })
  const keys = {
    anonKey: secret('anon_key'),
    serviceRoleKey: secret('service_role_key'),
    publishableKey: secret('publishable_key'),
    secretKey: secret('secret_key'),
  }
  const secrets = toServiceSecrets(stored.secrets)
  return {
    ref,
    configuration,
    tokens,
    secrets,
    signers: createSignedCallers({ ref, anonKey: keys.anonKey, tokens, secrets }),
    deriveKey(purpose) {
      const known = derived.get(purpose) ?? box.derive(ref, `derived ${purpose}`)
      derived.set(purpose, known)
      return known
    },
    callers: createAppCallers({ tokens, keys, rest: configuration.rest }),
    accesses: new WeakMap(),
    database: createProjectDatabase({
      ref,
      pools,
      logins: {
        authenticator: login('authenticator'),
        platform: login('platform'),
        owner: login('owner'),
        replication: replication && { address, database: configuration.databaseName, ...replication },
      },
    }),
  }
}

/** `iss` of a project's tokens, from its base URL. */
export function toIssuer(projectUrl: string): string {
  return `${projectUrl}/auth/v1`
}
