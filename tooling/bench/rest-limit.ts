import http from 'node:http'
import type net from 'node:net'
import pg from 'pg'

/** The raw limit: node:http and stock `pg`, one hand-written prepared query with the role switch in the same Sync. */
export interface LimitOptions {
  host: string
  port: number
  database: string
  user: string
  password: string
}

// The database owner may open five connections at once; four already keep two cores busy.
const POOL = 4

const SETTINGS = {
  name: 'settings',
  text: `select set_config('search_path', $1, true), set_config('role', $2, true), set_config('request.jwt.claims', $3, true), set_config('request.method', $4, true), set_config('request.path', $5, true), set_config('request.headers', $6, true), set_config('request.cookies', $7, true)`,
}
const QUERY = {
  name: 'read_one',
  text: `select coalesce(json_agg(t), '[]')::text from (select id, title, price from public.items where id = $1 limit 1000) t`,
}

interface Statement {
  name: string
  text: string
  values: string[]
}

/** Bind and Execute of every statement, then one Sync: one implicit transaction, one round trip. */
class OneSync {
  private body: Buffer | null = null
  private failure: Error | null = null
  private readonly statements: Statement[]
  private readonly done: (error: Error | null, body: Buffer | null) => void

  constructor(statements: Statement[], done: (error: Error | null, body: Buffer | null) => void) {
    this.statements = statements
    this.done = done
  }

  // oxlint-disable-next-line no-explicit-any -- pg's connection has no public type
  submit(connection: any): null {
    connection.stream.cork()
    for (const { name, text, values } of this.statements) {
      if (!connection.parsedStatements[name]) {
        connection.parse({ name, text })
        connection.parsedStatements[name] = text
      }
      connection.bind({ portal: '', statement: name, values })
      connection.execute({ portal: '', rows: 0 })
    }
    connection.sync()
    connection.stream.uncork()
    return null
  }

  handleDataRow(message: { fields: (Buffer | string | null)[] }): void {
    this.body = message.fields[0] as Buffer
  }
  handleError(error: Error): void {
    this.failure = error
  }
  handleReadyForQuery(): void {
    this.done(this.failure, this.body)
  }
  handleRowDescription(): void {}
  handleCommandComplete(): void {}
  handleEmptyQuery(): void {}
  handlePortalSuspended(): void {}
}

async function serve(options: LimitOptions): Promise<number> {
  const pool = new pg.Pool({ ...options, max: POOL })
  const idle = await Promise.all(Array.from({ length: POOL }, () => pool.connect()))
  const waiting: ((client: pg.PoolClient) => void)[] = []
  const read = (client: pg.PoolClient, id: string, request: http.IncomingMessage, answer: http.ServerResponse) => {
    const headers = JSON.stringify(request.headers)
    const claims = '{"role":"anon"}'
    const settings = { ...SETTINGS, values: ['"public", "extensions"', 'anon', claims, request.method!, request.url!, headers, '{}'] }
    const done = (error: Error | null, body: Buffer | null) => {
      const next = waiting.shift()
      if (next) next(client)
      else idle.push(client)
      const text = error ? Buffer.from(error.message) : body!
      answer.writeHead(error ? 500 : 200, { 'content-type': 'application/json; charset=utf-8', 'content-length': Buffer.byteLength(text) })
      answer.end(text)
    }
    ;(client.query as (submittable: unknown) => unknown)(new OneSync([settings, { ...QUERY, values: [id] }], done))
  }
  const server = http.createServer((request, answer) => {
    const id = request.url!.slice('/items/'.length)
    const client = idle.pop()
    if (client) read(client, id, request, answer)
    else waiting.push((free) => read(free, id, request, answer))
  })
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as net.AddressInfo).port)))
}

if (process.send) process.once('message', async (options) => process.send!(await serve(options as LimitOptions)))
