import type { SqlResult } from '@polder/core'

/** How much of a run is kept; the rest is counted. */
export interface ScriptLimits {
  /** Rows kept of one statement. */
  maxRows: number
  /** Characters kept of all statements together, column names and values. */
  maxCharacters: number
  /** Statements whose results are kept. */
  maxResults: number
  /** Notices kept, and characters of each message. */
  maxNotices: number
  maxMessage: number
}

/** A column as the wire names it; the type's name is looked up after the run. */
export interface WireColumn {
  name: string
  typeId: number
  typeModifier: number
}

export interface ScriptResult extends Omit<SqlResult, 'columns'> {
  columns: WireColumn[]
}

/** Keeps what fits of a script's results, in the order that they come. */
export class ScriptResults {
  readonly results: ScriptResult[] = []
  readonly notices: string[] = []
  readonly commands = new Map<string, number>()
  readonly #limits: ScriptLimits
  #columns: WireColumn[] | undefined
  #rows: (string | null)[][] = []
  #rowCount = 0
  #characters = 0
  #resultCount = 0
  #noticeCount = 0

  constructor(limits: ScriptLimits) {
    this.#limits = limits
  }

  addColumns(columns: WireColumn[]): void {
    this.#columns = columns
    for (const { name } of columns) this.#characters += name.length
  }

  addRow(cells: (string | null)[]): void {
    this.#rowCount++
    if (this.#rows.length >= this.#limits.maxRows) return
    let characters = cells.length
    for (const cell of cells) characters += cell?.length ?? 0
    if (this.#characters + characters > this.#limits.maxCharacters) {
      // Smaller rows further on are not kept either: what is shown has no holes.
      this.#characters = Math.max(this.#characters, this.#limits.maxCharacters)
      return
    }
    this.#characters += characters
    this.#rows.push(cells)
  }

  /** The statement is done; `tag` is its command tag, for example `INSERT 0 3`. */
  endStatement(tag: string): void {
    const command = toCommand(tag, this.#columns !== undefined)
    this.commands.set(command, (this.commands.get(command) ?? 0) + 1)
    this.#resultCount++
    // A statement on which a rule or COPY reports no number of its own has as many rows as came.
    const rowCount = toRowCount(tag) ?? this.#rowCount
    if (this.results.length < this.#limits.maxResults && this.#characters <= this.#limits.maxCharacters) {
      const isTruncated = this.#rows.length < this.#rowCount
      this.results.push({ command: tag, columns: this.#columns ?? [], rows: this.#rows, rowCount, isTruncated })
    }
    this.#columns = undefined
    this.#rows = []
    this.#rowCount = 0
  }

  addNotice(severity: string, message: string): void {
    this.#noticeCount++
    if (this.notices.length < this.#limits.maxNotices) this.notices.push(this.cut(`${severity}: ${message}`))
  }

  /** Says of what was left out, once the script is over. */
  end(): void {
    const hiddenNotices = this.#noticeCount - this.notices.length
    const hiddenResults = this.#resultCount - this.results.length
    if (hiddenNotices > 0) this.notices.push(`${hiddenNotices} further notices are not shown.`)
    if (hiddenResults > 0) this.notices.push(`The results of ${hiddenResults} further statements are not shown.`)
  }

  cut(message: string): string {
    return message.length > this.#limits.maxMessage ? `${message.slice(0, this.#limits.maxMessage).toWellFormed()}…` : message
  }
}

/** The command without its numbers: `INSERT 0 3` is an INSERT. A SELECT that gives no rows to the client made a table of them. */
function toCommand(tag: string, givesRows: boolean): string {
  const command = tag.replace(/(?: \d+)+$/, '')
  return command === 'SELECT' && !givesRows ? 'CREATE TABLE AS' : command
}

/** The number of rows that a tag reports, its last one. */
function toRowCount(tag: string): number | undefined {
  const digits = / (\d+)$/.exec(tag)?.[1]
  return digits === undefined ? undefined : Number(digits)
}
