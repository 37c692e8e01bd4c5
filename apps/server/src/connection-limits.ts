import type { Server } from 'node:http'
import type { Socket } from 'node:net'

export interface ConnectionLimitOptions {
  /** Connections at a time, of everybody together. */
  maxTotal?: number
  /** Connections at a time from one address. */
  maxPerAddress?: number
  /** Addresses that speak for many: trusted proxies. Loopback always is one. */
  isExempt(address: string | undefined): boolean
}

/** Closes connections at once when there are too many, so that one address cannot take the places of all. */
export function limitConnections(server: Server, { maxTotal = 20_000, maxPerAddress = 512, isExempt }: ConnectionLimitOptions): void {
  server.maxConnections = maxTotal
  const open = new Map<string, number>()
  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress
    if (address === undefined || isLoopback(address) || isExempt(address)) return
    const count = (open.get(address) ?? 0) + 1
    if (count > maxPerAddress) return void socket.destroy()
    open.set(address, count)
    socket.once('close', () => {
      const left = (open.get(address) ?? 1) - 1
      if (left === 0) open.delete(address)
      else open.set(address, left)
    })
  })
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.')
}
