import type { Readable } from 'node:stream'
import { writeAll } from './disk-files.ts'

/** Sizes of what is written at once, and of what may wait for it. */
const WRITE_BYTES = 1 << 20
const WAITING_BYTES = 4 << 20

/** Writes a stream to a file in large pieces while it goes on coming in. Rejects with the stream's error, or the disk's. */
export function writeStream(file: number, source: Readable, onChunk?: (chunk: Buffer) => void): Promise<number> {
  return new Promise((resolve, reject) => {
    let waiting: Buffer[] = []
    let waitingBytes = 0
    let total = 0
    let isWriting = false
    let isEnded = false
    let failure: Error | undefined

    // A chunk's write must be over before the file is closed, also after a failure.
    function settle(): void {
      if (isWriting) return
      source.off('data', take).off('end', end).off('error', fail).off('close', close)
      if (failure === undefined) return resolve(total)
      // Somebody has to hear of what comes later.
      source.on('error', () => {})
      source.pause()
      reject(failure)
    }

    function fail(error: Error): void {
      failure ??= error
      settle()
    }

    async function write(): Promise<void> {
      isWriting = true
      try {
        while (failure === undefined && (waitingBytes >= WRITE_BYTES || (isEnded && waitingBytes > 0))) {
          const buffers = waiting
          waiting = []
          waitingBytes = 0
          if (source.isPaused()) source.resume()
          await writeAll(file, buffers)
        }
      } catch (error) {
        failure ??= error as Error
      }
      isWriting = false
      if (failure !== undefined || (isEnded && waitingBytes === 0)) settle()
    }

    function take(chunk: Buffer): void {
      if (failure !== undefined) return
      try {
        onChunk?.(chunk)
      } catch (error) {
        return fail(error as Error)
      }
      waiting.push(chunk)
      waitingBytes += chunk.length
      total += chunk.length
      if (waitingBytes >= WAITING_BYTES) source.pause()
      if (!isWriting && waitingBytes >= WRITE_BYTES) void write()
    }

    function end(): void {
      isEnded = true
      if (isWriting) return
      if (waitingBytes > 0) void write()
      else settle()
    }

    function close(): void {
      if (!isEnded) fail(Object.assign(new Error('The source ended before it was complete.'), { code: 'ERR_STREAM_PREMATURE_CLOSE' }))
    }

    if (source.destroyed && !source.readableEnded) return close()
    source.on('data', take).on('end', end).on('error', fail).on('close', close)
  })
}
