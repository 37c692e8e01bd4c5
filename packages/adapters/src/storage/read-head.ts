import type { Readable } from 'node:stream'

/** Bodies up to here are held in memory while they are judged. */
export const SMALL_BYTES = 64 * 1024

/** The whole body if it is small; undefined, with all of it still to be read, if it is not. */
export function readSmall(body: Readable): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    const settle = (give: () => void) => {
      body.off('readable', read).off('end', end).off('error', fail).off('close', close)
      give()
    }
    const end = () => settle(() => resolve(Buffer.concat(chunks)))
    const fail = (error: Error) => settle(() => reject(error))
    const close = () => fail(Object.assign(new Error('The body ended before it was complete.'), { code: 'ERR_STREAM_PREMATURE_CLOSE' }))
    const read = () => {
      for (let chunk = body.read() as Buffer | null; chunk !== null; chunk = body.read() as Buffer | null) {
        chunks.push(chunk)
        bytes += chunk.length
        if (bytes <= SMALL_BYTES) continue
        return settle(() => {
          body.unshift(Buffer.concat(chunks))
          resolve(undefined)
        })
      }
    }
    if (body.readableEnded) return resolve(Buffer.alloc(0))
    if (body.destroyed) return close()
    body.on('readable', read).on('end', end).on('error', fail).on('close', close)
    read()
  })
}
