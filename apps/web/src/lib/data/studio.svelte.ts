import { mayDo } from '@polder/core'
import type { Client } from '@polder/sdk'
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
  hasSession = $state(document.documentElement.dataset['session'] === 'yes')

  constructor(client: Client) {
    this.client = client
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
