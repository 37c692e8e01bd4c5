/** The address if it is one that may be a link (http, https, mailto); undefined for anything else, for example `javascript:`. */
export function toSafeLink(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined
  const { protocol, href } = new URL(text)
  return ['http:', 'https:', 'mailto:'].includes(protocol) ? href : undefined
}
