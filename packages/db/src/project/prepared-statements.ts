import { randomBytes } from 'node:crypto'

/** A statement as one connection knows it. */
export interface PreparedStatement {
  readonly name: string
  readonly text: string
  readonly planSpace: string
  /** Whether the server was told of it. */
  isSent: boolean
  lastUsed: number
}

/**
 * The statements prepared on one connection, the least used of which are closed when there are too many. One text has a
 * statement of its own in each plan space (role and search path): Postgres throws a plan away when either changes.
 */
export class PreparedStatements {
  readonly #max: number
  readonly #spaces = new Map<string, Map<string, PreparedStatement>>()
  // Random, so that a name that a tenant's function prepares does not happen to be ours.
  #prefix = randomBytes(6).toString('base64url')
  #size = 0
  #made = 0
  #clock = 0

  constructor(max: number) {
    this.#max = max
  }

  /** The statement for this text; its `isSent` says whether the server was told of it. */
  get(planSpace: string, text: string): PreparedStatement {
    let space = this.#spaces.get(planSpace)
    if (space === undefined) this.#spaces.set(planSpace, (space = new Map()))
    let statement = space.get(text)
    if (statement === undefined) {
      this.#made += 1
      statement = { name: `${this.#prefix}${this.#made}`, text, planSpace, isSent: false, lastUsed: 0 }
      space.set(text, statement)
      this.#size += 1
    }
    statement.lastUsed = ++this.#clock
    return statement
  }

  forget(statement: PreparedStatement): void {
    const space = this.#spaces.get(statement.planSpace)
    if (space?.get(statement.text) !== statement) return
    space.delete(statement.text)
    this.#size -= 1
    if (space.size === 0) this.#spaces.delete(statement.planSpace)
  }

  /** Forgets a tenth of the statements if there are more than the limit; the caller closes what is returned. */
  evict(): PreparedStatement[] {
    if (this.#size <= this.#max) return []
    const oldest = this.#all().sort((a, b) => a.lastUsed - b.lastUsed)
    const evicted = oldest.slice(0, this.#size - Math.floor(this.#max * 0.9))
    for (const statement of evicted) this.forget(statement)
    return evicted
  }

  /** Forgets every statement, and uses other names from now on; the caller closes what is returned. */
  clear(): PreparedStatement[] {
    const all = this.#all()
    this.#spaces.clear()
    this.#size = 0
    this.#prefix = randomBytes(6).toString('base64url')
    return all
  }

  #all(): PreparedStatement[] {
    return [...this.#spaces.values()].flatMap((space) => [...space.values()])
  }
}
