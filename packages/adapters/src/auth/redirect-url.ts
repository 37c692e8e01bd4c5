import type { AuthSettings } from '@polder/core'
import { isIP } from 'node:net'
import { fitsGlob } from './uri-glob.ts'

type SiteSettings = Pick<AuthSettings, 'siteUrl' | 'uriAllowList'>

const LONGEST = 4_096
const DECIMAL_HOST = /^[a-z][a-z0-9+.-]*:[/\\]*(?:[^/\\?#]*@)?\d+(?:[:/\\?#]|$)/i
const USUAL_HOST = /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/
const FORBIDDEN_SCHEMES = new Set(['javascript:', 'data:', 'vbscript:', 'file:', 'blob:', 'about:'])

/** The first of the addresses that a project lets its users be sent to; its own site's where none is. */
export function chooseRedirect(settings: SiteSettings, candidates: readonly (string | undefined)[]): string {
  return candidates.find((candidate) => candidate !== undefined && isRedirectAllowed(settings, candidate)) ?? settings.siteUrl
}

/** Whether users may be sent to the address: the project's site or what its allow list has, by GoTrue's rules. */
export function isRedirectAllowed(settings: SiteSettings, address: string): boolean {
  if (address === '' || address.length > LONGEST) return false
  const [site, url] = [URL.parse(settings.siteUrl), URL.parse(address)]
  if (!site || !url || FORBIDDEN_SCHEMES.has(url.protocol)) return false
  const isWeb = url.protocol === 'http:' || url.protocol === 'https:'
  // What a browser reads out of an address must be what the list was held against.
  if (isWeb && /[\\\s]/.test(address)) return false
  const isSameHost = site.hostname !== '' && site.hostname === url.hostname && site.protocol === url.protocol
  // A native app takes any free port of the machine that it runs on.
  if (isSameHost && (site.port === url.port || isLoopback(url.hostname))) return true
  if (DECIMAL_HOST.test(address)) return false
  if (isIP(url.hostname.replace(/^\[(.*)\]$/, '$1')) !== 0) return isLoopback(url.hostname)
  if (isWeb && !USUAL_HOST.test(url.hostname)) return false
  const [withoutFragment = ''] = address.split('#')
  return settings.uriAllowList.some((pattern) => fitsGlob(pattern, withoutFragment))
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname)
}

/** The address with the values in its fragment, as clients of the implicit flow read them; none of them reaches a server's log. */
export function withFragment(address: string, values: Record<string, string>): string {
  const url = new URL(address)
  // Clients know by `sb` that the fragment is of us.
  url.hash = new URLSearchParams({ ...values, sb: '' }).toString()
  return url.href
}

/** The address with the values among its parameters. */
export function withQuery(address: string, values: Record<string, string>): string {
  const url = new URL(address)
  for (const [name, value] of Object.entries(values)) url.searchParams.set(name, value)
  return url.href
}
