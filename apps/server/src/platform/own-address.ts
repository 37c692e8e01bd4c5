import { isIP, type AddressInfo } from 'node:net'

/** Where this server can be asked from this machine; known for sure as soon as it listens. */
export function createOwnAddress({ host, port }: { host: string; port: number }) {
  let own = { host: toReachable(host), port }
  return {
    get: (): { host: string; port: number } => own,
    set(address: AddressInfo | string | null): void {
      if (address !== null && typeof address === 'object') own = { host: toReachable(address.address), port: address.port }
    },
  }
}

/** Whoever listens on all addresses is reached on loopback. */
function toReachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  return isIP(host) === 6 && /^[0:]+$/.test(host) ? '::1' : host
}
