import { ServiceError } from '@polder/core'

/** What placeholders stand for; `Data` holds the user's metadata, whose parts are named by dots. */
export type TemplateValues = Record<string, unknown>

const BRACES = /\{\{([^{}]*)\}\}/g
const NAME = /^(?:\.[A-Za-z_][A-Za-z0-9_]*)+$/

/** Throws `auth.template_invalid` for a text with more than names between its braces: nothing is computed in a template. */
export function requireTemplate(text: string): void {
  for (const [whole, inside = ''] of text.matchAll(BRACES)) {
    if (findName(inside) !== undefined) continue
    throw new ServiceError('auth.template_invalid', { message: `${whole.slice(0, 80)} is no placeholder; use {{ .Name }}.` })
  }
}

/** The template with its placeholders replaced, for a text; a name without a value becomes nothing. */
export function renderText(template: string, values: TemplateValues): string {
  return render(template, values, (text) => text)
}

/** The same for HTML: values are shown as they are, whatever they hold. */
export function renderHtml(template: string, values: TemplateValues): string {
  return render(template, values, escapeHtml)
}

function render(template: string, values: TemplateValues, escape: (text: string) => string): string {
  return template.replaceAll(BRACES, (whole, inside: string) => {
    const name = findName(inside)
    return name === undefined ? whole : escape(toShown(find(values, name)))
  })
}

/** The name between braces, which may have dashes to trim the text around, as in Go. */
function findName(inside: string): string | undefined {
  const name = inside.replace(/^-/, '').replace(/-$/, '').trim()
  return NAME.test(name) ? name : undefined
}

function find(values: TemplateValues, name: string): unknown {
  let value: unknown = values
  for (const part of name.slice(1).split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined
    value = (value as Record<string, unknown>)[part]
  }
  return value
}

function toShown(value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return value === undefined || value === null ? '' : JSON.stringify(value)
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** Text that stands for itself in HTML, in an attribute too. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character]!)
}
