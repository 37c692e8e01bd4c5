/** Where to go after signing in: a path of this site, or the project list for anything else. */
export function toNextPath(next: string | null | undefined): string {
  const fallback = '/projects'
  if (!next || !next.startsWith('/') || next.startsWith('//') || next.startsWith('/\\')) return fallback
  // Browsers drop tabs and line breaks inside an address: "/\t/evil" is "//evil" to them.
  // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
  if (/[\u0000-\u001f\u007f\\]/.test(next)) return fallback
  const base = 'http://polder.invalid'
  if (!URL.canParse(next, base)) return fallback
  const url = new URL(next, base)
  // Dot segments are resolved before a browser looks at the address: "/.//evil" is "//evil".
  return url.origin === base && !url.pathname.startsWith('//') ? next : fallback
}

/** The sign-in page, which leads back to where somebody was. */
export function toSignInPath({ pathname, search }: Pick<URL, 'pathname' | 'search'>): string {
  return `/sign-in?next=${encodeURIComponent(pathname + search)}`
}
