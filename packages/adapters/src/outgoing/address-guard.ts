import { lookup as lookUp, type LookupAddress } from 'node:dns'
import { isIP, type BlockList, type LookupFunction } from 'node:net'
import { ServiceError } from '@polder/core'
import { findMappedAddress, isOwnAddress, isPublicAddress } from './public-address.ts'

export interface AddressGuardOptions {
  /** Networks that the operator allows although they are not public: their own. */
  allowed?: BlockList
  /** Ports of the installation itself: refused on this machine's addresses, even inside an allowed network. */
  ownPorts?: ReadonlySet<number>
  /** Another resolver, for tests. */
  resolve?(host: string): Promise<LookupAddress[]>
}

/** Decides where requests of projects may go. */
export interface AddressGuard {
  /**
   * The addresses behind a host name or a literal address, all of them allowed. Throws `outgoing.address_blocked` if any is
   * not, since the next look-up could give that one alone, and `outgoing.unreachable` where there is none.
   */
  resolve(host: string, port: number): Promise<LookupAddress[]>
  /** The same for `net.connect` and undici: what was checked is what is connected to. */
  lookupFor(port: number): LookupFunction
}

/** Makes the guard; it keeps nothing between calls. */
export function createAddressGuard({ allowed, ownPorts = new Set(), resolve = resolveByName }: AddressGuardOptions = {}): AddressGuard {
  function isAllowed({ address, family }: LookupAddress, port: number): boolean {
    // An IPv4 address in IPv6's clothes is judged as what it is.
    const mapped = findMappedAddress(address)
    if (mapped !== undefined) return isAllowed({ address: mapped, family: 4 }, port)
    if (ownPorts.has(port) && isOwnAddress(address)) return false
    if (allowed?.check(address, family === 6 ? 'ipv6' : 'ipv4') === true) return true
    return isPublicAddress(address) && !isOwnAddress(address)
  }

  async function resolveAllowed(host: string, port: number): Promise<LookupAddress[]> {
    const literal = host.startsWith('[') ? host.slice(1, -1) : host
    const family = isIP(literal)
    const found = family === 0 ? await resolve(literal).catch(() => []) : [{ address: literal, family }]
    if (found.length === 0) throw new ServiceError('outgoing.unreachable')
    if (!found.every((each) => isAllowed(each, port))) throw new ServiceError('outgoing.address_blocked')
    return found
  }

  return {
    resolve: resolveAllowed,
    lookupFor: (port) => (host, options, callback) => {
      resolveAllowed(host, port).then(
        (found) => {
          const [first] = found as [LookupAddress]
          if (options.all === true) callback(null, found)
          else callback(null, first.address, first.family)
        },
        (error: Error) => callback(error, options.all === true ? [] : ''),
      )
    },
  }
}

function resolveByName(host: string): Promise<LookupAddress[]> {
  return new Promise((resolve, reject) => {
    lookUp(host, { all: true, verbatim: true }, (error, found) => (error ? reject(error) : resolve(found)))
  })
}
