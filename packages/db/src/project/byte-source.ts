import { Socket } from 'node:net'

const BUFFER_BYTES = 65_536

/** A socket that reads into one buffer, again and again: no memory is taken and given back for what arrives. */
export interface ByteSource {
  readonly socket: Socket
  /** From now on `take` gets what arrives, valid until it returns; before, it was copied and emitted as `data`. */
  read(take: (chunk: Buffer) => void): void
}

/** Makes a socket that is not connected yet. */
export function createByteSource(): ByteSource {
  let take = (chunk: Buffer): void => void socket.emit('data', Buffer.from(chunk))
  const buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES)
  const callback = (count: number): boolean => {
    take(buffer.subarray(0, count))
    return true
  }
  // Not in the types of Node's constructor, but in those of `connect`, which makes the socket with the same options.
  const socket = new Socket({ onread: { buffer, callback } } as ConstructorParameters<typeof Socket>[0])
  return {
    socket,
    read(next) {
      socket.removeAllListeners('data')
      take = next
    },
  }
}

/** The same for a socket of another kind, such as one that encrypts. */
export function toByteSource(socket: Socket): ByteSource {
  return {
    socket,
    read(take) {
      socket.removeAllListeners('data')
      socket.on('data', take)
    },
  }
}
