import type { Readable } from 'node:stream'

/** What a function process says of itself; anything could be in it, because functions can write there too. */
export type ProcessMessage =
  | { t: 'ready' }
  | { t: 'loaded'; id: number; error?: string }
  | { t: 'pending'; n: number }
  | { t: 'log'; l: 'debug' | 'info' | 'warn' | 'error'; n?: string; v?: number; r?: string; m: string }

/** Longer lines are cut: nobody reads them, and they are held in memory. */
const MAX_LINE_BYTES = 128 * 1024
const LEVELS = new Set(['debug', 'info', 'warn', 'error'])

/**
 * Reads lines from a process: messages of the bootstrap, and what functions write past the console. At most `bytesPerSecond` are
 * parsed of each second; the rest is read, so that the pipe never stops the process, and dropped.
 */
export function readLines(
  stream: Readable,
  options: {
    bytesPerSecond(): number
    onMessage(message: ProcessMessage): void
    onText(text: string): void
    onDropped(bytes: number): void
  },
): void {
  let rest: Buffer = Buffer.alloc(0)
  let second = 0
  let taken = 0
  let dropped = 0

  function take(line: Buffer): void {
    if (line.length === 0) return
    const now = Math.floor(performance.now() / 1000)
    if (now !== second) {
      if (dropped > 0) options.onDropped(dropped)
      ;[second, taken, dropped] = [now, 0, 0]
    }
    const message = line[0] === 1 ? parse(line.subarray(1).toString('utf8')) : undefined
    // What the process says of its state is never dropped, or a flood would hide it.
    if (message !== undefined && message.t !== 'log') return options.onMessage(message)
    taken += line.length
    if (taken > options.bytesPerSecond()) {
      dropped += line.length
      return
    }
    if (message !== undefined) options.onMessage(message)
    else options.onText(line.toString('utf8'))
  }

  stream.on('data', (chunk: Buffer) => {
    let start = 0
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      const part = chunk.subarray(start, end)
      take(rest.length > 0 ? Buffer.concat([rest, part]) : part)
      rest = Buffer.alloc(0)
      start = end + 1
    }
    const left = chunk.subarray(start)
    if (left.length > 0) rest = rest.length > 0 ? Buffer.concat([rest, left]) : Buffer.from(left)
    if (rest.length > MAX_LINE_BYTES) {
      take(rest.subarray(0, MAX_LINE_BYTES))
      rest = Buffer.alloc(0)
    }
  })
  stream.on('error', () => {})
  stream.on('end', () => {
    if (rest.length > 0) take(rest)
    if (dropped > 0) options.onDropped(dropped)
    dropped = 0
  })
}

function parse(text: string): ProcessMessage | undefined {
  let value: Record<string, unknown>
  try {
    value = JSON.parse(text) as Record<string, unknown>
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const textOf = (key: string, max: number) => (typeof value[key] === 'string' ? (value[key] as string).slice(0, max) : undefined)
  switch (value.t) {
    case 'ready':
      return { t: 'ready' }
    case 'loaded':
      return { t: 'loaded', id: Number(value.id), ...(value.error !== undefined && { error: textOf('error', 4000) ?? 'unknown' }) }
    case 'pending':
      return { t: 'pending', n: Math.max(0, Number(value.n) || 0) }
    case 'log':
      return {
        t: 'log',
        l: LEVELS.has(value.l as string) ? (value.l as 'info') : 'info',
        m: textOf('m', MAX_LINE_BYTES) ?? '',
        ...(typeof value.v === 'number' && { v: value.v }),
        ...(textOf('n', 64) !== undefined && { n: textOf('n', 64) as string }),
        ...(textOf('r', 64) !== undefined && { r: textOf('r', 64) as string }),
      }
    default:
      return undefined
  }
}
