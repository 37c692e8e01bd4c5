import { projectSettingsSchema, type AuthSettings, type Caller, type DatabaseRole, type ProjectClaims, type ProjectRef } from '@polder/core'
import {
  createConnectionPoolManager,
  createProjectDatabase,
  createProjectTokens,
  createSecretSigningKeys,
  toDatabaseName,
  toLoginName,
  toServiceSecrets,
  type ProjectScope,
  type ServiceSecretName,
} from '@polder/db'
import type { TestCluster, TestProject } from '@polder/db/testing'
import { randomBytes } from 'node:crypto'

/** Opens test projects for callers of any kind, as the router would, with settings that a test chooses. */
export interface TestScopes extends AsyncDisposable {
  app(role?: DatabaseRole): ProjectScope
  /** With a token in `Authorization`; verified as any other. */
  withToken(token: string): ProjectScope
  member(): ProjectScope
  readonly tokens: ProjectScope['tokens']
  set(settings: Partial<AuthSettings>): void
  /** Gives the project secrets of its services. */
  setSecrets(secrets: Partial<Record<ServiceSecretName, string>>): void
  /** Back to the defaults, without secrets. */
  reset(): void
}

/** Scopes on one test project. */
export function openTestScopes(cluster: TestCluster, project: TestProject): TestScopes {
  const ref = project.ref as ProjectRef
  const url = `http://localhost:8000/projects/${ref}`
  const pools = createConnectionPoolManager({ observe: () => {} })
  const tokens = createProjectTokens({
    ref,
    issuer: `${url}/auth/v1`,
    keys: createSecretSigningKeys(randomBytes(32).toString('base64url')),
  })
  const login = (name: 'owner' | 'platform' | 'authenticator') => ({
    address: cluster.address,
    database: toDatabaseName(ref),
    user: toLoginName(ref, name),
    password: project.passwords[name],
  })
  const logins = { owner: login('owner'), platform: login('platform'), authenticator: login('authenticator') }
  const database = createProjectDatabase({ ref, pools, logins })
  let settings = projectSettingsSchema.parse({})
  let secrets: Partial<Record<ServiceSecretName, string>> = {}

  function open(caller: Caller): ProjectScope {
    const configuration: ProjectScope['configuration'] = {
      ref,
      name: 'Test',
      organizationId: cluster.organizationId,
      status: 'active',
      databaseName: toDatabaseName(ref),
      url,
      ...settings,
    }
    const deriveKey = () => Buffer.alloc(32)
    return { ref, caller, configuration, tokens, secrets: toServiceSecrets(secrets), deriveKey, db: database.forCaller(caller) }
  }

  function openApp(claims: ProjectClaims, hasUserToken: boolean): ProjectScope {
    return open({ kind: 'app', role: claims.role, claims, claimsJson: JSON.stringify(claims), hasUserToken })
  }

  return {
    app: (role = 'anon') => openApp({ role }, false),
    withToken: (token) => openApp(tokens.verify(token), true),
    member: () => open({ kind: 'member', accountId: '44444444-4444-4444-8444-444444444444', role: 'owner', permission: 'auth.write' }),
    tokens,
    set: (changes) => void (settings = projectSettingsSchema.parse({ ...settings, auth: { ...settings.auth, ...changes } })),
    setSecrets: (changes) => void (secrets = { ...secrets, ...changes }),
    reset() {
      settings = projectSettingsSchema.parse({})
      secrets = {}
    },
    [Symbol.asyncDispose]: () => pools.end(),
  }
}
