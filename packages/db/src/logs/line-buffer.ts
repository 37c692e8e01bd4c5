import { redactText, redactValue, type LogLine } from '@polder/core'
import type { BufferedLine } from './segment-writer.ts'

export interface LineBufferLimits {
  /** Memory for the lines of all projects, and for those of one, in bytes (roughly). */
  maxBytes: number
  maxBytesPerProject: number
  /** How many projects may have lines waiting. */
  maxProjects: number
}

/** Lines of one project that wait to be written. */
export interface WaitingLines {
  lines: BufferedLine[]
  bytes: number
  /** Lines that were refused since the last time these were taken. */
  dropped: number
}

/** What a line weighs beside its texts. */
const LINE_BYTES = 200

const MAX_MESSAGE = 10_000
const MAX_FIELDS = 16_384

/** Keeps lines in bounded memory until they are taken; what is too much is dropped and counted. */
export class LineBuffer {
  count = 0
  bytes = 0
  readonly #limits: LineBufferLimits
  #projects = new Map<string, WaitingLines>()

  constructor(limits: LineBufferLimits) {
    this.#limits = limits
  }

  /** Answers whether there was room. */
  add(ref: string, line: LogLine): boolean {
    let waiting = this.#projects.get(ref)
    if (waiting === undefined) {
      if (this.#projects.size >= this.#limits.maxProjects) return false
      this.#projects.set(ref, (waiting = { lines: [], bytes: 0, dropped: 0 }))
    }
    const buffered = line.message === undefined && line.fields === undefined ? line : toBuffered(line)
    const bytes = toWeight(buffered)
    if (waiting.bytes + bytes > this.#limits.maxBytesPerProject || this.bytes + bytes > this.#limits.maxBytes) {
      waiting.dropped += 1
      return false
    }
    waiting.lines.push(buffered)
    waiting.bytes += bytes
    this.bytes += bytes
    this.count += 1
    return true
  }

  /** Everything that waits; the memory counts as taken until it is given back. */
  take(): Map<string, WaitingLines> {
    const taken = this.#projects
    this.#projects = new Map()
    this.count = 0
    return taken
  }

  /** Says that lines which were taken are written, or lost. */
  giveBack(bytes: number): void {
    this.bytes -= bytes
  }
}

function toWeight({ path, message, fieldsJson }: BufferedLine): number {
  return LINE_BYTES + (path?.length ?? 0) + (message?.length ?? 0) + (fieldsJson?.length ?? 0)
}

/** Makes texts of what a service says: without secrets, without what Postgres cannot keep, and not too long. */
function toBuffered({ fields, message, ...line }: LogLine): BufferedLine {
  const buffered: BufferedLine = line
  if (message !== undefined) buffered.message = toText(redactText(cut(message, MAX_MESSAGE)))
  if (fields !== undefined) buffered.fieldsJson = toJson(fields)
  if (buffered.userId !== undefined) buffered.userId = toText(buffered.userId)
  if (buffered.path !== undefined) buffered.path = toText(buffered.path)
  return buffered
}

function toJson(fields: Readonly<Record<string, unknown>>): string {
  let text: string
  try {
    text = JSON.stringify(redactValue(fields)) ?? '{}'
  } catch {
    return '{"unreadable":true}'
  }
  if (text.length > MAX_FIELDS) return JSON.stringify({ truncated: toText(text.slice(0, 1000).toWellFormed()) })
  // Well-formed texts are not escaped: what is, is half of a surrogate pair. Postgres' jsonb takes neither that nor NUL.
  return text.includes('\\u') ? text.replace(/(?<!\\)((?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})/gi, '$1\\ufffd') : text
}

function toText(text: string): string {
  return text.includes('\0') ? text.replaceAll('\0', '\ufffd') : text
}

function cut(text: string, max: number): string {
  return text.length > max ? `${text.slice(0, max)}…` : text
}
