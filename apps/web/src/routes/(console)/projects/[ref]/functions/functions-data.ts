import type { Output } from '@polder/sdk'
import type { ProjectData } from '#lib/data/project-data.ts'
import type { Query } from '#lib/data/query-cache.svelte.ts'
import type { Studio } from '#lib/data/studio.svelte.ts'

export type ListedFunction = Output<'functions', 'list'>[number]
export type FunctionVersion = Output<'functions', 'listVersions'>[number]
export type FunctionSource = Output<'functions', 'getSource'>
export type FunctionSecret = Output<'functions', 'listSecrets'>[number]
export type Schedule = Output<'functions', 'listSchedules'>[number]
export type Invocation = Output<'functions', 'listInvocations'>[number]
export type LogLine = Output<'functions', 'listLogs'>[number]
export type TestAnswer = Output<'functions', 'test'>
export type FunctionsSettings = Output<'functions', 'getSettings'>
export type Runtime = Output<'functions', 'getRuntime'>

/** What the pages of a project's functions ask the server, kept between them. */
export class FunctionsData {
  readonly project: ProjectData
  #studio: Studio

  constructor(studio: Studio, project: ProjectData) {
    this.#studio = studio
    this.project = project
  }

  get list(): Query<ListedFunction[]> {
    return this.#query('list', () => this.#api.list({}))
  }

  get secrets(): Query<FunctionSecret[]> {
    return this.#query('secrets', () => this.#api.listSecrets({}))
  }

  get schedules(): Query<Schedule[]> {
    return this.#query('schedules', () => this.#api.listSchedules({}))
  }

  get settings(): Query<FunctionsSettings> {
    return this.#query('settings', () => this.#api.getSettings({}))
  }

  get runtime(): Query<Runtime> {
    return this.#query('runtime', () => this.#api.getRuntime({}))
  }

  versions(name: string): Query<FunctionVersion[]> {
    return this.#query(`versions:${name}`, () => this.#api.listVersions({ name }))
  }

  source(name: string, version?: number): Query<FunctionSource> {
    return this.#query(`source:${name}:${version ?? 'serving'}`, () => this.#api.getSource({ name, version }))
  }

  invocations(name: string, onlyErrors: boolean): Query<Invocation[]> {
    return this.#query(`calls:${name}:${onlyErrors}`, () => this.#api.listInvocations({ name, onlyErrors, limit: 100 }))
  }

  /** After a change of a function, its secrets or schedules. */
  changed(): Promise<void> {
    return this.project.invalidate('functions.', 'audit')
  }

  get #api() {
    return this.project.client.functions
  }

  #query<Value>(noun: string, fetch: () => Promise<Value>): Query<Value> {
    return this.#studio.cache.query(`project:${this.project.ref}:functions.${noun}`, fetch)
  }
}
