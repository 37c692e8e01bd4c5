import type { ProjectClient } from '@polder/sdk'
import type { Query } from './query-cache.svelte.ts'
import type { Studio } from './studio.svelte.ts'
import type { AuditEntry, Operation, Project, ProjectConnection, RowPage, Table, User } from './wire.ts'

export interface RowsInput {
  schema: string
  table: string
  limit: number
  offset: number
  orderBy?: { column: string; descending: boolean }
}

export interface AuditPage {
  entries: AuditEntry[]
  next: string | null
}

/** One project's answers; keys are `project:<ref>:<service>.<noun>`. */
export class ProjectData {
  readonly ref: string
  readonly client: ProjectClient
  #studio: Studio

  constructor(studio: Studio, ref: string) {
    this.#studio = studio
    this.ref = ref
    this.client = studio.client.project(ref)
  }

  get project(): Query<Project> {
    return this.#query('project', () => this.client.get())
  }

  /** Asks for the project; shows meanwhile what the list has of it. */
  open(): void {
    const { project } = this
    project.current ??= this.#studio.projects.current?.find(({ ref }) => ref === this.ref)
    void project.ask()
  }

  get connection(): Query<ProjectConnection> {
    return this.#query('connection', () => this.client.connection())
  }

  get operations(): Query<Operation[]> {
    return this.#query('operations', () => this.#studio.client.operations.list({ projectRef: this.ref }))
  }

  get size(): Query<{ bytes: number }> {
    return this.#query('database.size', () => this.client.database.getSize({}))
  }

  get schemas(): Query<{ name: string; isPlatform: boolean }[]> {
    return this.#query('database.schemas', () => this.client.database.listSchemas({}))
  }

  get tables(): Query<Table[]> {
    return this.#query('database.tables', () => this.client.database.listTables({}))
  }

  rows(input: RowsInput): Query<RowPage> {
    return this.#query(`database.rows:${JSON.stringify(input)}`, () => this.client.database.listRows(input))
  }

  users(input: { page: number; perPage: number; search?: string }): Query<{ users: User[]; total: number }> {
    return this.#query(`auth.users:${JSON.stringify(input)}`, () => this.client.auth.listUsers(input))
  }

  auditEntries(): Query<AuditPage> {
    return this.#query('audit', () => this.client.listAuditEntries({ limit: 50 }))
  }

  /** After a change: `project.invalidate('auth.users')`. */
  invalidate(...nouns: string[]): Promise<void> {
    return this.#studio.cache.invalidate(...nouns.map((noun) => `project:${this.ref}:${noun}`))
  }

  #query<Value>(noun: string, fetch: () => Promise<Value>): Query<Value> {
    return this.#studio.cache.query(`project:${this.ref}:${noun}`, fetch)
  }
}
