import { mkdir, rm } from 'node:fs/promises'
import { projectRefSchema, type ProjectRef } from '@polder/core'
import {
  deleteProjectSecret,
  insertFirstSigningKey,
  makeProjectKeys,
  makeSecretText,
  PROJECT_SECRET_NAMES,
  selectOwnerEmail,
  selectProject,
  selectProjectSecrets,
  updateProjectStatus,
  upsertProjectSecrets,
  type PlatformDatabase,
  type PlatformEvents,
  type ProjectSecretName,
  type ProjectSecrets,
  type Provisioner,
  type SecretBox,
} from '@polder/db'
import type { OperationPlan } from './operation-plan.ts'

export interface CreateProjectDependencies {
  platform: PlatformDatabase
  box: SecretBox
  provisioner: Provisioner
  events: PlatformEvents
  projectFolder(ref: string): string
  publicUrl: string
  /** Makes the project known to the router, and forgets it. */
  register(ref: ProjectRef): Promise<void>
  unregister(ref: ProjectRef): Promise<void>
  /** Makes the first user by the auth service; repeated, it gives the same user this password. */
  createFirstUser(ref: ProjectRef, serviceRoleKey: string, user: FirstUser & { passwordHash: Promise<string> }): Promise<void>
  makeFirstPassword(): string
  hashPassword(password: string): Promise<string>
  /** Uses the project as an app would, with its public key. Throws when that does not work. */
  probe(ref: ProjectRef, anonKey: string): Promise<void>
  /** Told after every end, so that the next project finds a prepared database again. */
  refillLater(): void
}

interface FirstUser {
  email: string
  password: string
}

interface Context {
  ref: ProjectRef
  /** With the hash of the password, begun at once: it takes as long as all other steps together. */
  firstUser: { user: FirstUser; passwordHash: Promise<string> } | undefined
  secrets: ProjectSecrets
  /** Those of them that are not stored yet. Roles may get their passwords before: an interrupted attempt sets them anew. */
  made: ProjectSecrets
}

/** Secrets that outlive a failure: the owner's password may be one that a person chose, and a retry uses it again. */
const KEPT: readonly ProjectSecretName[] = ['owner_password']

/** How a project is made: nothing of it can be used before the last step, and a failure takes everything back. */
export function planCreateProject(parts: CreateProjectDependencies): OperationPlan<Context> {
  const { platform, box, provisioner, events } = parts

  async function addSecrets(context: Context, made: ProjectSecrets): Promise<void> {
    const missing = Object.fromEntries(Object.entries(made).filter(([name]) => context.secrets[name as ProjectSecretName] === undefined))
    await upsertProjectSecrets(platform, box, context.ref, missing)
    Object.assign(context.secrets, missing)
  }

  /** The one that an earlier attempt has begun with, or a new one; undefined for an organization without an owner. */
  function beginFirstUser(made: string | undefined, ownerEmail: string | undefined): Context['firstUser'] {
    if (made === undefined && ownerEmail === undefined) return undefined
    const user: FirstUser = made === undefined ? { email: ownerEmail as string, password: parts.makeFirstPassword() } : JSON.parse(made)
    const passwordHash = parts.hashPassword(user.password)
    // Waited for by a later step, or by none when an earlier one fails.
    passwordHash.catch(() => {})
    return { user, passwordHash }
  }

  return {
    kind: 'project.create',
    isUndone: true,
    stages: [
      [
        {
          name: 'secrets',
          title: 'Make passwords and the signing secret',
          async run({ ref, made }) {
            await upsertProjectSecrets(platform, box, ref, made)
            await insertFirstSigningKey(platform, ref)
          },
          async undo({ ref }) {
            for (const name of PROJECT_SECRET_NAMES) if (!KEPT.includes(name)) await deleteProjectSecret(platform, ref, name)
          },
        },
        {
          name: 'roles',
          title: 'Create the database roles',
          run: ({ ref, secrets }) => provisioner.createRoles(ref, toPasswords(secrets)),
          undo: ({ ref }) => provisioner.dropRoles(ref),
        },
        {
          name: 'database',
          title: 'Copy the database from the template',
          async run({ ref }) {
            await provisioner.createDatabase(ref)
          },
          undo: ({ ref }) => provisioner.dropDatabase(ref),
        },
        {
          name: 'folders',
          title: 'Make the folders',
          async run({ ref }) {
            await mkdir(parts.projectFolder(ref), { recursive: true, mode: 0o700 })
          },
          undo: ({ ref }) => rm(parts.projectFolder(ref), { recursive: true, force: true }),
        },
      ],
      [
        {
          name: 'keys',
          title: 'Sign the API keys',
          run(context) {
            const issuer = `${parts.publicUrl}/projects/${context.ref}/auth/v1`
            const keys = makeProjectKeys({ ref: context.ref, issuer, jwtSecret: need(context.secrets, 'jwt_secret') })
            return addSecrets(context, {
              anon_key: keys.anonKey,
              service_role_key: keys.serviceRoleKey,
              publishable_key: keys.publishableKey,
              secret_key: keys.secretKey,
            })
          },
        },
        {
          name: 'access',
          title: 'Let the project into its database',
          run: ({ ref }) => provisioner.allowConnections(ref),
        },
        {
          name: 'router',
          title: 'Register the project with the router',
          async run({ ref }) {
            await updateProjectStatus(platform, ref, 'starting', { ledger: provisioner.ledger })
            await parts.register(ref)
          },
          undo: ({ ref }) => parts.unregister(ref),
        },
      ],
      [
        {
          name: 'privileges',
          title: 'Set the default privileges',
          run: ({ ref, secrets }) => provisioner.setDefaultPrivileges(ref, toPasswords(secrets)),
        },
        {
          name: 'first_user',
          title: 'Add the first user',
          async run(context) {
            if (!context.firstUser) return
            const { user, passwordHash } = context.firstUser
            await addSecrets(context, { first_user: JSON.stringify(user) })
            await parts.createFirstUser(context.ref, need(context.secrets, 'service_role_key'), { ...user, passwordHash })
          },
        },
        {
          name: 'probe',
          title: 'Open the project with its public key',
          run: ({ ref, secrets }) => parts.probe(ref, need(secrets, 'anon_key')),
        },
      ],
    ],
    async open(operation) {
      const project = await selectProject(platform, operation.ref)
      if (!project) return undefined
      const [stored, ownerEmail] = await Promise.all([
        selectProjectSecrets(platform, box, operation.ref),
        selectOwnerEmail(platform, project.organizationId),
      ])
      const made = makeMissingSecrets(stored)
      const firstUser = beginFirstUser(stored.first_user, ownerEmail)
      return { ref: projectRefSchema.parse(operation.ref), secrets: { ...stored, ...made }, made, firstUser }
    },
    async succeed(tx, { ref }) {
      await updateProjectStatus(tx, ref, 'active', { ledger: provisioner.ledger })
      await events.publish({ type: 'project_changed', ref }, tx)
    },
    async fail(tx, { ref }, error) {
      await updateProjectStatus(tx, ref, 'failed', { reason: error.message, retryable: true })
      await events.publish({ type: 'project_changed', ref }, tx)
    },
    async ended() {
      parts.refillLater()
    },
  }
}

const RANDOM_SECRETS = ['owner_password', 'authenticator_password', 'platform_password', 'backup_password', 'jwt_secret'] as const

function makeMissingSecrets(stored: ProjectSecrets): ProjectSecrets {
  const missing = RANDOM_SECRETS.filter((name) => stored[name] === undefined)
  return Object.fromEntries(missing.map((name) => [name, makeSecretText()]))
}

function need(secrets: ProjectSecrets, name: ProjectSecretName): string {
  const value = secrets[name]
  if (value === undefined) throw new Error(`the project has no ${name}`)
  return value
}

function toPasswords(secrets: ProjectSecrets) {
  return {
    owner: need(secrets, 'owner_password'),
    authenticator: need(secrets, 'authenticator_password'),
    platform: need(secrets, 'platform_password'),
    backup: need(secrets, 'backup_password'),
  }
}
