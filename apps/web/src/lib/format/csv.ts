type Cell = string | null

/** Text that a spreadsheet would run as a formula when it opens the file. */
const FORMULA = /^[\t\r\n ]*[=+\-@]|^[\t\r]/
const NUMBER = /^[+-]?(?:\d+(?:\.\d+)?|\.\d+)(?:e[+-]?\d+)?$/i

/** RFC 4180 with CRLF; NULL is an empty field and an empty text is `""`; formulas are made text with a leading apostrophe. */
export function toCsv(columns: string[], rows: Cell[][]): string {
  return [columns, ...rows].map((cells) => cells.map(toField).join(',')).join('\r\n') + '\r\n'
}

function toField(cell: Cell): string {
  if (cell === null) return ''
  const text = FORMULA.test(cell) && !NUMBER.test(cell) ? `'${cell}` : cell
  return text === '' || /[",\r\n]/.test(text) || text !== text.trim() ? `"${text.replaceAll('"', '""')}"` : text
}
