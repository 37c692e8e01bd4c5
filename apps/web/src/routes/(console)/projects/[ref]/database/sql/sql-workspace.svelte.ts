import type { SqlRun } from '#lib/data/wire.ts'

export interface SqlTab {
  id: string
  name: string
  sql: string
}

export interface PastRun {
  sql: string
  at: string
  durationMs: number
  hasFailed: boolean
}

const MAX_PAST_RUNS = 50
const MAX_PAST_LENGTH = 20_000
const SAVE_AFTER_MS = 300

/** The editor's tabs and past runs of one account in one project, kept in this browser. */
export class SqlWorkspace {
  tabs = $state<SqlTab[]>([])
  activeId = $state('')
  past = $state.raw<PastRun[]>([])
  /** What each tab gave last; not kept. */
  runs = $state.raw<Record<string, { run: SqlRun; from: number }>>({})
  #key: string
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(accountId: string, ref: string) {
    this.#key = `polder.sql.${accountId}.${ref}`
    const kept = readKept(this.#key)
    this.tabs = kept.tabs
    this.past = kept.past
    this.activeId = kept.tabs.some(({ id }) => id === kept.activeId) ? kept.activeId : (kept.tabs[0]?.id ?? '')
    if (this.tabs.length === 0) this.add()
  }

  get active(): SqlTab {
    return this.tabs.find(({ id }) => id === this.activeId) ?? this.tabs[0]!
  }

  add(sql = '', name = this.#nextName()): void {
    const id = crypto.randomUUID()
    this.tabs.push({ id, name, sql })
    this.activeId = id
    this.save()
  }

  choose(id: string): void {
    this.activeId = id
    this.save()
  }

  rename(id: string, name: string): void {
    const tab = this.tabs.find((tab) => tab.id === id)
    if (tab && name.trim()) tab.name = name.trim().slice(0, 60)
    this.save()
  }

  close(id: string): void {
    const at = this.tabs.findIndex((tab) => tab.id === id)
    this.tabs.splice(at, 1)
    if (this.tabs.length === 0) this.add()
    if (this.activeId === id) this.activeId = this.tabs[Math.max(0, at - 1)]!.id
    this.save()
  }

  write(sql: string): void {
    this.active.sql = sql
    this.save()
  }

  remember(tabId: string, sql: string, run: SqlRun, from: number): void {
    this.runs = { ...this.runs, [tabId]: { run, from } }
    const entry = {
      sql: sql.slice(0, MAX_PAST_LENGTH),
      at: new Date().toISOString(),
      durationMs: run.durationMs,
      hasFailed: run.failure !== null,
    }
    this.past = [entry, ...this.past.filter((past) => past.sql !== entry.sql)].slice(0, MAX_PAST_RUNS)
    this.save()
  }

  save(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.flush(), SAVE_AFTER_MS)
  }

  /** Writes now, for example before the page goes. */
  flush(): void {
    clearTimeout(this.#timer)
    try {
      localStorage.setItem(this.#key, JSON.stringify({ tabs: this.tabs, activeId: this.activeId, past: this.past }))
    } catch {
      // The browser's room is full: what is on the screen is still there.
    }
  }

  #nextName(): string {
    let number = this.tabs.length + 1
    while (this.tabs.some(({ name }) => name === `Query ${number}`)) number++
    return `Query ${number}`
  }
}

function readKept(key: string): { tabs: SqlTab[]; activeId: string; past: PastRun[] } {
  try {
    const kept = JSON.parse(localStorage.getItem(key) ?? '{}') as { tabs?: SqlTab[]; activeId?: string; past?: PastRun[] }
    const tabs = (kept.tabs ?? []).filter(({ id, name, sql }) => [id, name, sql].every((text) => typeof text === 'string'))
    return { tabs, activeId: String(kept.activeId ?? ''), past: (kept.past ?? []).filter(({ sql }) => typeof sql === 'string') }
  } catch {
    return { tabs: [], activeId: '', past: [] }
  }
}
