/** Deeper documents than this are refused before they are parsed. */
export const MAX_JSON_DEPTH = 64

const QUOTE = 34
const BACKSLASH = 92

/** Whether JSON text nests arrays and objects deeper than allowed; looks at brackets outside of strings and stops there. */
export function isTooDeep(text: string, max = MAX_JSON_DEPTH): boolean {
  let depth = 0
  let isInString = false
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i)
    if (isInString) {
      if (code === BACKSLASH) i += 1
      else if (code === QUOTE) isInString = false
    } else if (code === QUOTE) isInString = true
    else if (code === 91 || code === 123) {
      if (++depth > max) return true
    } else if (code === 93 || code === 125) depth -= 1
  }
  return false
}
