import { LOG_LEVELS, redactPath, type LogLevel, type LogLine, type Observe } from '@polder/core'
import type { Client, ClientConfig } from 'pg'
import { makeClient } from '../connect.ts'
import { isDatabaseError } from '../sql-state.ts'
import { copyIn } from './copy-in.ts'
import { LineBuffer, type LineBufferLimits, type WaitingLines } from './line-buffer.ts'
import { SEGMENT_COLUMNS, SegmentWriter, type BufferedLine, type Segment } from './segment-writer.ts'

/** What the writer must know of a project: its number, and the lightest level that it keeps. */
export interface LoggedProject {
  number: number
  level: LogLevel
}

export interface LogWriterOptions {
  connection: ClientConfig
  /** The projects among these refs; lines of any other are forgotten. Asked once for each, until `forget`. */
  findProjects(refs: string[]): Promise<Map<string, LoggedProject>>
  observe: Observe
  limits?: Partial<LineBufferLimits>
  /** How long a line waits at most while the database keeps up. */
  flushMs?: number
}

export interface LogWriterStatistics {
  written: number
  dropped: number
  waiting: number
  waitingBytes: number
}

/** Takes lines of projects and writes them in batches; a line costs its writer a push into an array. */
export interface LogWriter {
  write(ref: string, line: LogLine): void
  /** Resolves when everything that was written before is in the database, or lost. */
  flush(): Promise<void>
  /** The project's settings changed, or it is gone. */
  forget(ref?: string): void
  statistics(): LogWriterStatistics
  close(): Promise<void>
}

const DEFAULT_LIMITS: LineBufferLimits = { maxBytes: 64 << 20, maxBytesPerProject: 16 << 20, maxProjects: 5_000 }
const FLUSH_MS = 250
const FLUSH_LINES = 1_000
const SEGMENT_LINES = 1_000
const SEGMENT_MS = 10_000
const COPY_LINES = 2_000
const DAY_MS = 86_400_000
const LONGEST_PAUSE_MS = 5_000
const MAX_KNOWN = 10_000
const WEIGHTS = new Map<string, number>(LOG_LEVELS.map((level, weight) => [level, weight]))

/** Makes the writer; it connects with the first line, and runs a timer only while lines wait. */
export function createLogWriter(options: LogWriterOptions): LogWriter {
  return new Writer(options)
}

class Writer implements LogWriter {
  readonly #options: LogWriterOptions
  readonly #buffer: LineBuffer
  readonly #segments = new SegmentWriter()
  readonly #known = new Map<string, LoggedProject | undefined>()
  #client: Client | undefined
  #timer: NodeJS.Timeout | undefined
  #flushing: Promise<void> | undefined
  #written = 0
  #dropped = 0
  #isClosed = false
  #wake: (() => void) | undefined

  constructor(options: LogWriterOptions) {
    this.#options = options
    this.#buffer = new LineBuffer({ ...DEFAULT_LIMITS, ...options.limits })
  }

  write(ref: string, line: LogLine): void {
    if (!this.#buffer.add(ref, line)) {
      this.#dropped += 1
      return
    }
    if (this.#flushing !== undefined) return
    if (this.#buffer.count >= FLUSH_LINES) void this.#start()
    else this.#timer ??= setTimeout(() => void this.#start(), this.#options.flushMs ?? FLUSH_MS)
  }

  async flush(): Promise<void> {
    await this.#flushing
    if (this.#buffer.count > 0) await this.#start()
  }

  forget(ref?: string): void {
    if (ref === undefined) this.#known.clear()
    else this.#known.delete(ref)
  }

  statistics(): LogWriterStatistics {
    const { count, bytes } = this.#buffer
    return { written: this.#written, dropped: this.#dropped, waiting: count, waitingBytes: bytes }
  }

  async close(): Promise<void> {
    const last = this.flush()
    this.#isClosed = true
    this.#wake?.()
    await last
    clearTimeout(this.#timer)
    await this.#client?.end().catch(() => {})
  }

  #start(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#flushing ??= this.#run().finally(() => {
      this.#flushing = undefined
      if (this.#buffer.count > 0 && !this.#isClosed) this.#timer ??= setTimeout(() => void this.#start(), this.#options.flushMs ?? FLUSH_MS)
    })
    return this.#flushing
  }

  async #run(): Promise<void> {
    do {
      const taken = this.#buffer.take()
      await this.#learn([...taken.keys()])
      for (const copy of toCopies(this.#toSegments(taken))) {
        await this.#writeCopy(copy)
        // Encoding is work of the event loop: others have a turn between two batches.
        await new Promise(setImmediate)
      }
      for (const { bytes } of taken.values()) this.#buffer.giveBack(bytes)
    } while (this.#buffer.count >= FLUSH_LINES && !this.#isClosed)
  }

  async #learn(refs: string[]): Promise<void> {
    const unknown = refs.filter((ref) => !this.#known.has(ref))
    if (unknown.length === 0) return
    if (this.#known.size + unknown.length > MAX_KNOWN) this.#known.clear()
    await this.#retry(async () => {
      const found = await this.#options.findProjects(unknown)
      for (const ref of unknown) this.#known.set(ref, found.get(ref))
    })
    // Another one may be made under this name at any moment.
    for (const ref of unknown) if (this.#known.get(ref) === undefined) setTimeout(() => this.#forgetMissing(ref), 2_000).unref()
  }

  #forgetMissing(ref: string): void {
    if (this.#known.get(ref) === undefined) this.#known.delete(ref)
  }

  #toSegments(taken: Map<string, WaitingLines>): Segment[] {
    const segments: Segment[] = []
    for (const [ref, { lines, dropped }] of taken) {
      const project = this.#known.get(ref)
      if (project === undefined) continue
      const lightest = WEIGHTS.get(project.level) ?? 0
      const kept = lightest === 0 ? lines : lines.filter(({ level }) => (WEIGHTS.get(level) ?? 0) >= lightest)
      if (dropped > 0) kept.push(toDropNotice(dropped))
      for (const line of kept) tidy(line)
      for (const part of cutLines(kept)) segments.push({ project: project.number, lines: part })
    }
    return segments
  }

  async #writeCopy(segments: Segment[]): Promise<void> {
    const lineCount = segments.reduce((sum, { lines }) => sum + lines.length, 0)
    await this.#retry(async () => {
      try {
        const client = await this.#connect()
        await copyIn(client, `copy logs.segments (${SEGMENT_COLUMNS}) from stdin (format binary)`, this.#segments.write(segments))
        this.#written += lineCount
      } catch (error) {
        if (isMissingPartition(error)) {
          await this.#addDays(segments)
          throw error
        }
        if (!isRefusedForGood(error)) throw error
        // One project's line must not take those of the others with it.
        if (segments.length > 1) for (const segment of segments) await this.#writeCopy([segment])
        else {
          this.#dropped += lineCount
          this.#options.observe({ kind: 'error', code: 'logs.unavailable', cause: error })
        }
      }
    })
  }

  async #addDays(segments: Segment[]): Promise<void> {
    const client = await this.#connect()
    const days = new Set(segments.flatMap(({ lines }) => lines.map(({ at }) => new Date(at).toISOString().slice(0, 10))))
    for (const day of days) await client.query('select logs.add_day($1)', [day])
  }

  /** Repeats until it works; while it does not, lines pile up to the buffer's limits. Gives up when the writer closes. */
  async #retry(work: () => Promise<void>): Promise<void> {
    for (let pause = 20, attempt = 0; ; pause = Math.min(pause * 3, LONGEST_PAUSE_MS), attempt += 1) {
      try {
        return await work()
      } catch (cause) {
        if (attempt === 2) this.#options.observe({ kind: 'error', code: 'logs.unavailable', cause })
        if (this.#isClosed && attempt > 0) return
        await new Promise<void>((resolve) => {
          this.#wake = resolve
          setTimeout(resolve, pause).unref()
        })
      }
    }
  }

  async #connect(): Promise<Client> {
    if (this.#client !== undefined) return this.#client
    const client = makeClient({
      connectionTimeoutMillis: 5_000,
      keepAlive: true,
      application_name: 'polder_logs',
      ...this.#options.connection,
    })
    client.once('end', () => {
      if (this.#client === client) this.#client = undefined
    })
    try {
      await client.connect()
      // After a crash of the server the last moments of the log may be missing: that is the price for not waiting for the disk.
      await client.query('set synchronous_commit = off; set statement_timeout = 30000')
    } catch (error) {
      await client.end().catch(() => {})
      throw error
    }
    return (this.#client = client)
  }
}

/** What is not done while a request waits. */
function tidy(line: BufferedLine): void {
  if (line.path !== undefined) line.path = redactPath(line.path)
  // The subject of a token can be any text.
  if (line.userId !== undefined && line.userId.includes('\0')) line.userId = line.userId.replaceAll('\0', '\ufffd')
}

function toDropNotice(count: number): BufferedLine {
  const message = `${count} lines were dropped: there were more than the log could take.`
  return { at: Date.now(), level: 'warn', service: 'logs', message, fieldsJson: JSON.stringify({ dropped: count }) }
}

/** Parts whose lines are near each other and of one day; the order of times is that of the lines. */
function* cutLines(lines: BufferedLine[]): Generator<BufferedLine[]> {
  let part: BufferedLine[] = []
  let last = 0
  for (const line of lines) {
    // Clocks are set back now and then: a segment's times only go forward.
    if (line.at < last) line.at = last
    const first = part[0]
    const isFull = part.length >= SEGMENT_LINES
    if (first && (isFull || line.at - first.at > SEGMENT_MS || Math.floor(line.at / DAY_MS) !== Math.floor(first.at / DAY_MS))) {
      yield part
      part = []
    }
    part.push(line)
    last = line.at
  }
  if (part.length > 0) yield part
}

function* toCopies(segments: Segment[]): Generator<Segment[]> {
  let copy: Segment[] = []
  let count = 0
  for (const segment of segments) {
    copy.push(segment)
    count += segment.lines.length
    if (count < COPY_LINES) continue
    yield copy
    copy = []
    count = 0
  }
  if (copy.length > 0) yield copy
}

function isMissingPartition(error: unknown): boolean {
  return isDatabaseError(error) && error.code === '23514'
}

/** What the same bytes will meet again: a text that the server does not take. */
function isRefusedForGood(error: unknown): boolean {
  return isDatabaseError(error) && /^(?:22|42|0A)/.test(error.code ?? '')
}
