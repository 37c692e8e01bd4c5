import { ServiceError } from '@polder/core'

/** A tree as S3 writes it: texts, elements, and lists of elements of the same name. Undefined is left out. */
export type XmlValue = string | number | boolean | undefined | { [name: string]: XmlValue } | XmlValue[]

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/'

/** A whole document with this root. */
export function toXml(root: string, value: XmlValue, hasNamespace = true): string {
  const attribute = hasNamespace ? ` xmlns="${NAMESPACE}"` : ''
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root}${attribute}>${toContent(value)}</${root}>`
}

function toContent(value: XmlValue): string {
  if (value === undefined) return ''
  if (typeof value !== 'object') return escape(String(value))
  if (Array.isArray(value)) return value.map(toContent).join('')
  return Object.entries(value)
    .flatMap(([name, child]) => (Array.isArray(child) ? child.map((one) => [name, one] as const) : [[name, child] as const]))
    .filter(([, child]) => child !== undefined)
    .map(([name, child]) => `<${name}>${toContent(child)}</${name}>`)
    .join('')
}

function escape(text: string): string {
  return text
    .toWellFormed()
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll(/(?![\t\n\r])\p{Cc}/gu, '')
    .replaceAll('\r', '&#13;')
}

export interface XmlElement {
  name: string
  text: string
  children: XmlElement[]
}

const TOKEN = /<\?[^>]*\?>|<!--[\s\S]*?-->|<(\/?)([A-Za-z_][\w:.-]*)([^<>]*?)(\/?)>|([^<]+)/y

/** Reads the small documents that S3 clients send: no entities but the five, no declarations. Throws `storage.request_invalid`. */
export function parseXml(text: string): XmlElement {
  const root: XmlElement = { name: '', text: '', children: [] }
  const open = [root]
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < text.length) {
    const found = TOKEN.exec(text)
    if (found === null) throw malformed()
    const [, slash, name, , selfClosing, words] = found
    const current = open.at(-1)!
    if (words !== undefined) current.text += unescape(words)
    if (name === undefined) continue
    const local = name.replace(/^.*:/, '')
    if (slash === '/') {
      if (open.length < 2 || current.name !== local) throw malformed()
      open.pop()
      continue
    }
    const element: XmlElement = { name: local, text: '', children: [] }
    current.children.push(element)
    if (selfClosing !== '/') open.push(element)
    if (open.length > 20) throw malformed()
  }
  const [only] = root.children
  if (open.length !== 1 || root.children.length !== 1 || only === undefined) throw malformed()
  return only
}

export function findText(element: XmlElement, name: string): string | undefined {
  return element.children.find((child) => child.name === name)?.text
}

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

function unescape(text: string): string {
  return text.replaceAll(/&(#x[0-9a-fA-F]{1,6}|#\d{1,7}|[a-z]+);?/g, (_all, name: string) => {
    if (!name.startsWith('#')) {
      const char = ENTITIES[name]
      if (char === undefined) throw malformed()
      return char
    }
    const code = name.startsWith('#x') ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1))
    if (!(code > 0 && code <= 0x10ffff)) throw malformed()
    return String.fromCodePoint(code)
  })
}

function malformed(): ServiceError {
  return new ServiceError('storage.request_invalid', { message: 'The XML you provided was not well-formed' })
}
