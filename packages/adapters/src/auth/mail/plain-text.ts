const HIDDEN = new Set(['style', 'script', 'head', 'title'])
const BREAKS = new Set(['p', 'br', 'div', 'li', 'tr', 'table', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6'])
const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'", nbsp: ' ' }

/** What a mail says to whoever reads no HTML: its text, and where its links lead. One pass, whatever the text is. */
export function toPlainText(html: string): string {
  let text = ''
  let hidden: string | undefined
  let link: string | undefined
  // A tag has no `<` in it: what begins like one and does not end is text.
  for (const [token] of html.matchAll(/<[^<>]*>|[^<]+|</g)) {
    const [, slash, name = ''] = /^<(\/?)([a-z0-9]+)/i.exec(token.endsWith('>') ? token : '') ?? []
    const tag = name.toLowerCase()
    if (hidden !== undefined) {
      if (slash === '/' && tag === hidden) hidden = undefined
    } else if (tag === '') {
      if (!token.startsWith('<') || token === '<') text += token
    } else if (HIDDEN.has(tag) && slash === '') hidden = tag
    else if (tag === 'a' && slash === '') link = /\shref="([^"]*)"/i.exec(token)?.[1]
    else if (tag === 'a') {
      if (link) text += `: ${link}`
      link = undefined
    } else if (BREAKS.has(tag)) text += '\n'
  }
  const lines = text
    .replaceAll(/&(#?[a-z0-9]{1,6});/g, (entity, name: string) => ENTITIES[name] ?? entity)
    .split('\n')
    .map((line) => line.split(/\s+/).join(' ').trim())
  return lines
    .filter((line, index) => line !== '' || lines[index - 1] !== '')
    .join('\n')
    .trim()
}
