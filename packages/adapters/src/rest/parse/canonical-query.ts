import { decodeQueryText } from './query-shape.ts'

const PLAIN = /^[A-Za-z0-9_.~=-]*$/

/** The query string with its parameters sorted by name and escaped in one way, as `Content-Location` tells it. */
export function toCanonicalQuery(query: string): string {
  if (PLAIN.test(query)) return query
  const pairs = query.split('&').filter((part) => part !== '')
  return pairs
    .map((part) => {
      const separator = part.indexOf('=')
      const name = decodeQueryText(separator === -1 ? part : part.slice(0, separator))
      return { name, value: separator === -1 ? '' : decodeQueryText(part.slice(separator + 1)) }
    })
    .toSorted((left, right) => (left.name < right.name ? -1 : left.name > right.name ? 1 : 0))
    .map(({ name, value }) => `${escape(name)}=${escape(value)}`)
    .join('&')
}

function escape(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
}
