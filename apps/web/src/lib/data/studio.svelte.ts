import { toSignInPath } from '#lib/format/next-path.ts'
import { mayDo } from '@polder/core'
import type { Client } from '@polder/sdk'
import { redirect } from '@sveltejs/kit'
import { createContext } from 'svelte'
import { LiveProjects } from './live-projects.svelte.ts'
import { QueryCache, type Query } from './query-cache.svelte.ts'
import { isSignedOut } from './sdk-errors.ts'
import { Theme } from './theme.svelte.ts'
import { Toasts } from './toasts.svelte.ts'
import type { Account, Cluster, Installation, Organization, Permission, Project } from './wire.ts'

/** Everything that one tab of the dashboard shares: the client, its answers, messages, theme. Made once by the root layout. */
export class Studio {
  readonly client: Client
  readonly cache: QueryCache
  readonly toasts = new Toasts()
  readonly theme = new Theme()
  readonly live: LiveProjects
  isPaletteOpen = $state(false)
  isShortcutSheetOpen = $state(false)
  /** Whether the browser has a session, as far as is known: the server says so in the page, and each answer may say otherwise. */
  hasSession = $state(false)
  /** Whether pages show themselves before their answers are here; not while one is drawn by the server, or taken over from it. */
  isLive: boolean

  constructor(client: Client, { hasSession, isLive }: { hasSession: boolean; isLive: boolean }) {
    this.client = client
    this.hasSession = hasSession
    this.isLive = isLive
    this.cache = new QueryCache((error) => {
      if (isSignedOut(error)) this.hasSession = false
    })
    this.live = new LiveProjects(this)
  }

  get account(): Query<Account> {
    return this.cache.query('account:account', () => this.client.account.get())
  }

  get installation(): Query<Installation> {
    return this.cache.query('installation:installation', () => this.client.installation.get())
  }

  get clusters(): Query<Cluster[]> {
    return this.cache.query('installation:clusters', () => this.client.installation.listClusters())
  }

  get organizations(): Query<Organization[]> {
    return this.cache.query('organizations:list', () => this.client.organizations.list())
  }

  get projects(): Query<Project[]> {
    return this.cache.query('projects:list', () => this.client.projects.list({}))
  }

  /** For a page that the server draws too: asks, and waits where the page is drawn once, with what is known. */
  async draw(url: URL, ...queries: Query<unknown>[]): Promise<void> {
    const answers = [...queries, ...this.#frame].map((query) => query.ask())
    if (this.isLive) return
    await Promise.all(answers)
    if (!this.hasSession) redirect(307, toSignInPath(url))
  }

  /** Every page of the console shows these around itself; the three go in one call. */
  get #frame(): Query<unknown>[] {
    return [this.account, this.organizations, this.projects]
  }

  /** Someone has signed in: answers for whoever was there before are not theirs. */
  enter(account: Account): void {
    this.cache.forget()
    this.hasSession = true
    this.account.set(account)
  }

  leave(): void {
    this.live.stop()
    this.cache.forget()
    this.hasSession = false
  }

  /** Whether this account's role in the organization allows the action; not until the role is known. */
  may(permission: Permission, organizationId: string | undefined): boolean {
    const organization = this.organizations.value?.find(({ id }) => id === organizationId)
    return organization !== undefined && mayDo(organization.role, permission)
  }
}

export const [getStudio, setStudio] = createContext<Studio>()
