/** The lines of a CSV text with their fields: quotes around a field, doubled inside it; CR LF or LF. An empty last line is none. */
export function parseCsv(text: string): string[][] {
  const lines: string[][] = []
  let line: string[] = []
  let field = ''
  let isQuoted = false
  let isStarted = false
  for (let index = 0; index < text.length; index += 1) {
    const char = text[index] ?? ''
    if (isQuoted) {
      if (char !== '"') field += char
      else if (text[index + 1] === '"') {
        field += '"'
        index += 1
      } else isQuoted = false
      continue
    }
    if (char === '"' && field === '') {
      isQuoted = true
      isStarted = true
    } else if (char === ',') {
      line.push(field)
      field = ''
      isStarted = true
    } else if (char === '\n' || (char === '\r' && text[index + 1] === '\n')) {
      if (char === '\r') index += 1
      line.push(field)
      lines.push(line)
      line = []
      field = ''
      isStarted = false
    } else {
      field += char
      isStarted = true
    }
  }
  if (isStarted) lines.push([...line, field])
  return lines.filter((each) => each.length > 1 || each[0] !== '')
}
