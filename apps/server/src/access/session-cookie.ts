/** How the session travels in a browser. */
export interface SessionCookie {
  readonly name: string
  /** False where browsers would refuse a Secure cookie: plain http on an address that is not this machine. */
  readonly isSecure: boolean
  /** The session id in a `Cookie` header; null when there is none, or more than one. */
  read(header: string | undefined): string | null
  /** The `Set-Cookie` header that hands a session to the browser, or takes it away. */
  write(sessionId: string | null): string
}

// Browsers keep the cookie as long as a session can live at most; the server decides when it ends.
const MAX_AGE_SECONDS = 30 * 86_400

/** Whether the host is this machine by one of its loopback spellings. */
export function isLoopbackHost(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname)
}

/** The cookie that fits the address under which browsers reach the server. */
export function createSessionCookie(publicUrl: string): SessionCookie {
  const { protocol, hostname } = new URL(publicUrl)
  const isSecure = protocol === 'https:' || isLoopbackHost(hostname)
  const name = isSecure ? '__Host-polder_session' : 'polder_session'
  const attributes = `Path=/; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`
  return {
    name,
    isSecure,
    read(header) {
      const values = (header ?? '')
        .split(';')
        .map((pair) => pair.trim())
        .filter((pair) => pair.startsWith(`${name}=`))
        .map((pair) => pair.slice(name.length + 1))
      // Two cookies of one name come from somebody who planted one: neither is believed.
      return values.length === 1 && values[0] ? values[0] : null
    },
    write: (sessionId) => `${name}=${sessionId ?? ''}; ${attributes}; Max-Age=${sessionId === null ? 0 : MAX_AGE_SECONDS}`,
  }
}
