import type { AuditPage } from './project-data.ts'
import type { Query } from './query-cache.svelte.ts'
import type { Studio } from './studio.svelte.ts'
import type { Invitation, Member } from './wire.ts'

/** One organization's answers; keys are `organization:<id>:<noun>`. */
export class OrganizationData {
  readonly id: string
  #studio: Studio

  constructor(studio: Studio, id: string) {
    this.#studio = studio
    this.id = id
  }

  get members(): Query<Member[]> {
    return this.#query('members', () => this.#studio.client.organizations.listMembers({ organizationId: this.id }))
  }

  get invitations(): Query<Invitation[]> {
    return this.#query('invitations', () => this.#studio.client.organizations.listInvitations({ organizationId: this.id }))
  }

  auditEntries(): Query<AuditPage> {
    return this.#query('audit', () => this.#studio.client.organizations.listAuditEntries({ organizationId: this.id, limit: 50 }))
  }

  /** After a change: `organization.invalidate('members')`. */
  invalidate(...nouns: string[]): Promise<void> {
    return this.#studio.cache.invalidate(...nouns.map((noun) => `organization:${this.id}:${noun}`))
  }

  #query<Value>(noun: string, fetch: () => Promise<Value>): Query<Value> {
    return this.#studio.cache.query(`organization:${this.id}:${noun}`, fetch)
  }
}
