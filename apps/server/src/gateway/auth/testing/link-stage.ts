import { createAuthAdapter, type AuthAdapter, type AuthAdapterDependencies } from '@polder/adapters/auth'
import type { AuthSettings } from '@polder/core'
import { createClient, type SupabaseClient } from '@supabase/supabase-js'
import { openTestGateway, type TestGateway } from './test-gateway.ts'

/** The link of a mail, and the code beside it. */
export interface MailedLink {
  /** Path and query at the gateway. */
  path: string
  code: string
  tokenHash: string
}

/** Real clients of the auth routes, and what their users find in their inboxes. */
export interface LinkStage extends AsyncDisposable {
  gateway: TestGateway
  auth: AuthAdapter
  /** A browser: it keeps what its client stores. */
  connect(flowType: 'pkce' | 'implicit', key?: string): SupabaseClient
  /** Settings in which mail is needed, and can be asked for at once. */
  set(settings?: Partial<AuthSettings>): void
  newEmail(): string
  /** The newest mail to the address. */
  mailTo(address: string): Promise<MailedLink>
  /** Opens a path as a browser does; redirections are not followed. */
  open(path: string, options?: { method?: 'GET' | 'HEAD' | 'POST'; headers?: Record<string, string> }): Promise<Opened>
}

export interface Opened {
  status: number
  body: string
  headers: Record<string, unknown>
  /** Where it leads, taken apart. */
  location: { page: string; query: Record<string, string>; fragment: Record<string, string> }
}

const MAILED = {
  mailerAutoconfirm: false,
  smtpMaxFrequency: 0,
  rateLimitEmailSent: 100_000,
  passwordArgon2MemoryKib: 8_192,
  passwordArgon2Passes: 1,
}

export async function openLinkStage(dependencies: AuthAdapterDependencies = {}): Promise<LinkStage> {
  const auth = createAuthAdapter(dependencies)
  const gateway = await openTestGateway({ auth })
  const { alpha } = gateway
  const base = await gateway.app.listen({ host: '127.0.0.1', port: 0 })
  const set: LinkStage['set'] = (settings = {}) => gateway.set({ ...MAILED, ...settings })
  const member = await alpha.member('auth.write')
  let count = 0
  set()

  return {
    gateway,
    auth,
    set,
    connect(flowType, key = alpha.keys.anonKey) {
      const stored = new Map<string, string>()
      const storage = {
        getItem: (name: string) => stored.get(name) ?? null,
        setItem: (name: string, value: string) => void stored.set(name, value),
        removeItem: (name: string) => void stored.delete(name),
      }
      return createClient(`${base}/projects/${alpha.ref}`, key, {
        auth: { flowType, storage, storageKey: String(Math.random()), autoRefreshToken: false, detectSessionInUrl: false },
      })
    },
    newEmail: () => `user-${(count += 1)}@example.com`,
    async mailTo(address) {
      await auth.settle()
      const [entry] = await auth.listInboxMessages(member, { search: address, limit: 1 })
      if (!entry) throw new Error(`nothing was mailed to ${address}`)
      const { content } = await auth.getInboxMessage(member, entry.id)
      const link = /href="([^"]+)"/.exec(content)?.[1]?.replaceAll('&amp;', '&') ?? 'http://none.test'
      const { pathname, search, searchParams } = new URL(link)
      const code = /\b\d{6}\b/.exec(content.replace(/<a .*?<\/a>/s, ''))?.[0] ?? ''
      return { path: pathname + search, code, tokenHash: searchParams.get('token') ?? '' }
    },
    async open(path, { method = 'GET', headers = {} } = {}) {
      const answer = await gateway.app.inject({ method, url: path, headers })
      const url = URL.parse(String(answer.headers.location))
      const location = {
        page: url ? url.origin + url.pathname : '',
        query: Object.fromEntries(url?.searchParams ?? []),
        fragment: Object.fromEntries(new URLSearchParams(url?.hash.slice(1) ?? '')),
      }
      return { status: answer.statusCode, body: answer.body, headers: answer.headers, location }
    },
    [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose](),
  }
}
