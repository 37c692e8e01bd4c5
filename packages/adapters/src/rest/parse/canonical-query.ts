import { decodeQueryText } from './query-shape.ts'

const PLAIN = /^[A-Za-z0-9_.~-]*$/

/** The query string with its parameters sorted by name and escaped in one way, as `Content-Location` tells it. */
export function toCanonicalQuery(query: string): string {
  if (query === '') return ''
  const pairs: { name: string; text: string }[] = []
  let isSorted = true
  for (const part of query.split('&')) {
    if (part === '') continue
    const separator = part.indexOf('=')
    const name = decodeQueryText(separator === -1 ? part : part.slice(0, separator))
    const value = separator === -1 ? '' : part.slice(separator + 1)
    isSorted &&= pairs.length === 0 || (pairs.at(-1)?.name ?? '') <= name
    pairs.push({ name, text: `${escapeQueryText(name)}=${PLAIN.test(value) ? value : escapeQueryText(decodeQueryText(value))}` })
  }
  if (!isSorted) pairs.sort((left, right) => (left.name < right.name ? -1 : left.name > right.name ? 1 : 0))
  return pairs.map(({ text }) => text).join('&')
}

/** Escapes all but letters, digits and `-_.~`. */
export function escapeQueryText(text: string): string {
  if (PLAIN.test(text)) return text
  return encodeURIComponent(text.toWellFormed()).replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
}
