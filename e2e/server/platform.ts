import { readFile } from 'node:fs/promises'
import { createClient as createPolderClient } from '@polder/sdk'
import { createClient as createSupabaseClient, type SupabaseClient } from '@supabase/supabase-js'
import { inject } from 'vitest'

/** Signs a new account up as the dashboard does and returns a token that may do all that the account may. */
export async function signUpWithToken(email: string, url = inject('serverUrl')): Promise<string> {
  const headers = { 'content-type': 'application/json', origin: url }
  const password = 'a long enough password'
  const credentials = JSON.stringify({ email, password })
  let answer = await fetch(`${url}/trpc/account.signUp`, { method: 'POST', headers, body: credentials })
  if (!answer.ok) answer = await fetch(`${url}/trpc/account.signIn`, { method: 'POST', headers, body: credentials })
  if (!answer.ok) throw new Error(`sign-up answered ${answer.status}: ${await answer.text()}`)
  const cookie = answer.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ')
  const made = await fetch(`${url}/trpc/account.createToken`, {
    method: 'POST',
    headers: { ...headers, cookie },
    body: JSON.stringify({ name: 'e2e', access: 'write' }),
  })
  if (!made.ok) throw new Error(`createToken answered ${made.status}: ${await made.text()}`)
  return ((await made.json()) as { result: { data: { token: string } } }).result.data.token
}

/** The SDK as an account of its own. */
export async function openPolder(email: string) {
  const url = inject('serverUrl')
  return createPolderClient({ url, token: await signUpWithToken(email) })
}

export type Polder = Awaited<ReturnType<typeof openPolder>>

export interface App {
  ref: string
  url: string
  anonKey: string
  serviceKey: string
}

/** Creates a project, waits until it is active, and returns what an app would be configured with. */
export async function createApp(polder: Polder, name: string): Promise<App> {
  const [organization] = await polder.organizations.list()
  const { project, operation } = await polder.projects.create({ organizationId: organization!.id, name })
  const ended = await polder.waitForOperation(operation.id)
  if (ended.status !== 'succeeded') throw new Error(`creating ${name} ended as ${ended.status}: ${JSON.stringify(ended.error)}`)
  const connection = await polder.project(project.ref).projects.getConnection()
  const { value: serviceKey } = await polder.project(project.ref).projects.revealSecret({ secret: 'service_role_key' })
  return { ref: project.ref, url: connection.url, anonKey: connection.anonKey, serviceKey }
}

/** Loads the shop's schema and rows through the SQL editor's door, as its owner would. */
export async function loadShop(polder: Polder, app: App): Promise<void> {
  const sql = await readFile(new URL('../schema/shop.sql', import.meta.url), 'utf8')
  const run = await polder.project(app.ref).database.runSql({ sql })
  if (run.failure) throw new Error(`shop.sql: ${JSON.stringify(run.failure)}`)
}

/** A supabase-js client that remembers nothing between tests. */
export function openSupabase(app: App, key = app.anonKey): SupabaseClient {
  return createSupabaseClient(app.url, key, { auth: { persistSession: false, autoRefreshToken: false } })
}

/** Signs a new user up and returns a client that acts as them. */
export async function signUpUser(app: App, email: string, password = 'correct horse') {
  const supabase = openSupabase(app)
  const { data, error } = await supabase.auth.signUp({ email, password })
  if (error || !data.session || !data.user) throw error ?? new Error('sign-up gave no session')
  return { supabase, user: data.user, session: data.session }
}
