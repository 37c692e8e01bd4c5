import { isServiceError, type AuthSettings, type ErrorCode } from '@polder/core'
import { openTestCluster, type TestCluster, type TestProject } from '@polder/db/testing'
import { expect } from 'vitest'
import { createAuthAdapter, type AuthAdapter, type AuthAdapterDependencies } from '../adapter.ts'
import type { InboxMessage } from '../inbox.ts'
import type { ClientFacts } from '../user-session.ts'
import type { VerifyInput } from '../verify.ts'
import { openTestScopes, type TestScopes } from './test-scopes.ts'

/** A message of the inbox, and what its reader would type or open. */
export interface ReadMessage extends InboxMessage {
  code: string
  /** The parameters of its link. */
  token: string
  type: string
  redirectTo: string
}

/** A test project with an auth service, its users and its inbox. */
export interface TestAuth extends AsyncDisposable {
  cluster: TestCluster
  project: TestProject
  scopes: TestScopes
  auth: AuthAdapter
  /** Back to settings for tests of mail, with these changes: nobody is confirmed by themselves, and nobody has to wait. */
  reset(settings?: Partial<AuthSettings>): void
  newEmail(): string
  newPhone(): string
  /** Adds a confirmed user and signs them in. */
  addUser(fields?: {
    email?: string
    phone?: string
  }): Promise<{ id: string; email: string; phone: string; accessToken: string; refreshToken: string }>
  /** The messages to an address, the newest first, after everything in the background has ended. */
  inboxOf(recipient: string): Promise<ReadMessage[]>
  verify(input: Partial<VerifyInput>): ReturnType<AuthAdapter['verify']>
  /** How a token's user has proven who they are. */
  methodsOf(accessToken: string): string[]
}

export const client: ClientFacts = { ip: '192.0.2.1', userAgent: 'test' }
export const password = 'correct horse'

/** As cheap as the settings allow: what is tested is not the hash. */
const CHEAP = { passwordArgon2MemoryKib: 8_192, passwordArgon2Passes: 1 }

const WIDE = { smtpMaxFrequency: 0, smsMaxFrequency: 0, rateLimitEmailSent: 100_000, rateLimitSmsSent: 100_000, mailerAutoconfirm: false }

export async function openTestAuth(dependencies: AuthAdapterDependencies = {}): Promise<TestAuth> {
  const cluster = await openTestCluster()
  const project = await cluster.createProject()
  const scopes = openTestScopes(cluster, project)
  const auth = createAuthAdapter(dependencies)
  let count = 0

  function reset(settings: Partial<AuthSettings> = {}): void {
    scopes.reset()
    scopes.set({ ...CHEAP, ...WIDE, externalPhoneEnabled: true, ...settings })
  }

  return {
    cluster,
    project,
    scopes,
    auth,
    reset,
    newEmail: () => `user-${(count += 1)}@example.com`,
    newPhone: () => String(31_600_000_000 + (count += 1)),
    async addUser({ email = `user-${(count += 1)}@example.com`, phone } = {}) {
      const fields = { email, password, isConfirmed: true, ...(phone && { phone, isPhoneConfirmed: true }) }
      const { id } = await auth.createUser(scopes.member(), fields)
      const { accessToken, refreshToken } = await auth.signIn(scopes.app(), { email, password, client })
      return { id, email, phone: phone ?? '', accessToken, refreshToken }
    },
    async inboxOf(recipient) {
      await auth.settle()
      const found = await auth.listInboxMessages(scopes.member(), { search: recipient, limit: 100 })
      const messages = await Promise.all(found.map(({ id }) => auth.getInboxMessage(scopes.member(), id)))
      return messages.map(toReadMessage)
    },
    verify: (input) =>
      auth.verify(scopes.app(), { type: '', token: '', tokenHash: '', email: '', phone: '', redirectTo: '', client, ...input }),
    methodsOf: (accessToken) => (scopes.tokens.verify(accessToken).amr as { method: string }[]).map(({ method }) => method),
    async [Symbol.asyncDispose]() {
      await auth.settle()
      await scopes[Symbol.asyncDispose]()
      await cluster[Symbol.asyncDispose]()
    },
  }
}

function toReadMessage(message: InboxMessage): ReadMessage {
  const link = /href="([^"]+)"/.exec(message.content)?.[1]?.replaceAll('&amp;', '&')
  const parameters = new URL(link ?? 'http://none.test').searchParams
  const get = (name: string) => parameters.get(name) ?? ''
  const code = /\b\d{6,10}\b/.exec(message.content.replace(/<a .*?<\/a>/s, ''))?.[0] ?? ''
  return { ...message, code, token: get('token'), type: get('type'), redirectTo: get('redirect_to') }
}

/** The code of the error that the work ends with, `done` where there is none. */
export function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'done',
    (error: unknown) => (isServiceError(error) ? error.code : String(error)),
  )
}

export async function expectCode(work: Promise<unknown>, code: ErrorCode): Promise<void> {
  expect(await codeOf(work)).toBe(code)
}
