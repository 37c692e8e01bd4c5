import type { ProjectData } from '#lib/data/project-data.ts'
import { isSdkError } from '#lib/data/sdk-errors.ts'
import type { Studio } from '#lib/data/studio.svelte.ts'
import type { SqlWorkspace } from './sql-workspace.svelte.ts'

/** Runs SQL of one tab at a time, and has what it may have changed asked for again. */
export class SqlRunner {
  isRunning = $state(false)
  maxRows = $state(1000)
  #studio: Studio
  #project: ProjectData
  #workspace: SqlWorkspace
  #aborter: AbortController | undefined

  constructor(studio: Studio, project: ProjectData, workspace: SqlWorkspace) {
    this.#studio = studio
    this.#project = project
    this.#workspace = workspace
  }

  /** `from` is where the text begins in the tab: errors are shown at their place in it. */
  async run(sql: string, from: number, prefix = ''): Promise<void> {
    if (this.isRunning || sql.trim() === '') return
    const tabId = this.#workspace.active.id
    this.isRunning = true
    this.#aborter = new AbortController()
    try {
      const input = { sql: prefix + sql, maxRows: this.maxRows }
      const run = await this.#project.client.database.runSql(input, { signal: this.#aborter.signal })
      this.#workspace.remember(tabId, sql, run, from - prefix.length)
      void this.#project.invalidate('database')
    } catch (error) {
      if (isSdkError(error, 'sdk.aborted'))
        this.#studio.toasts.done('Not waited for any longer. The statement itself ends at its time limit at the latest.')
      else this.#studio.toasts.failed(error)
    } finally {
      this.isRunning = false
    }
  }

  /** The plan of one statement, without running it. */
  async explain(sql: string, from: number): Promise<void> {
    // A second statement would be run, not explained.
    if (/;\s*\S/.test(sql)) {
      this.#studio.toasts.done('Select one statement to see its plan.')
      return
    }
    await this.run(sql, from, 'explain ')
  }

  /** The statement goes on in the database until it ends or reaches its time limit. */
  stopWaiting(): void {
    this.#aborter?.abort()
  }
}
