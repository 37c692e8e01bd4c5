import { BlockList, isIP } from 'node:net'
import os from 'node:os'

// IANA's special-purpose registries: what is not the public internet, or leads back from it to something that is not.
const NOT_PUBLIC_IPV4: readonly [string, number][] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['192.175.48.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
]
/** Parts of 2000::/3 that are not public; everything outside of it is not either. */
const NOT_PUBLIC_IPV6: readonly [string, number][] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
]

const notPublic4 = new BlockList()
for (const [network, bits] of NOT_PUBLIC_IPV4) notPublic4.addSubnet(network, bits, 'ipv4')
const global6 = new BlockList()
global6.addSubnet('2000::', 3, 'ipv6')
const notPublic6 = new BlockList()
for (const [network, bits] of NOT_PUBLIC_IPV6) notPublic6.addSubnet(network, bits, 'ipv6')

/** Whether the address, in any spelling that `net.isIP` takes, belongs to the public internet. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address)
  if (family === 4) return !notPublic4.check(address, 'ipv4')
  if (family === 6) return !address.includes('%') && global6.check(address, 'ipv6') && !notPublic6.check(address, 'ipv6')
  return false
}

/** The IPv4 address that an IPv6 address stands for (`::ffff:1.2.3.4`, `::ffff:102:304`). */
export function findMappedAddress(address: string): string | undefined {
  if (isIP(address) !== 6) return undefined
  const text = new URL(`http://[${address.split('%')[0]}]`).hostname
  const words = /^\[::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})\]$/.exec(text)
  if (words === null) return undefined
  const [high, low] = [Number.parseInt(words[1]!, 16), Number.parseInt(words[2]!, 16)]
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}

/** Whether the address is one of this machine's own, public as it may be: its services are not for projects to reach. */
export function isOwnAddress(address: string): boolean {
  const own = new BlockList()
  own.addSubnet('127.0.0.0', 8, 'ipv4')
  own.addSubnet('0.0.0.0', 8, 'ipv4')
  own.addAddress('::1', 'ipv6')
  own.addAddress('::', 'ipv6')
  for (const { address: each, family } of Object.values(os.networkInterfaces()).flatMap((list) => list ?? [])) {
    own.addAddress(each, family === 'IPv6' ? 'ipv6' : 'ipv4')
  }
  const family = isIP(address)
  return family !== 0 && own.check(address, family === 6 ? 'ipv6' : 'ipv4')
}
