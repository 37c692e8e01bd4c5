/** One place of a pattern: what it takes, and whether it takes any number of it. */
interface Part {
  takes(character: string): boolean
  isRepeated: boolean
}

const MOST_ALTERNATIVES = 256

/**
 * Whether an address fits a pattern of the redirect allow list, with gobwas/glob's meaning of it and `.` and `/` as separators:
 * `*` any characters but separators, `**` any characters, `?` one that is no separator, `[abc]`, `[a-z]`, `[!a-z]`, `{this,that}`,
 * and `\` before what stands for itself. A pattern that is none fits nothing. The time is that of pattern × text, whatever they are.
 */
export function fitsGlob(pattern: string, text: string): boolean {
  const alternatives = expandBraces(pattern)
  return alternatives !== undefined && alternatives.some((alternative) => fits(parseParts(alternative), text))
}

/** Whether the text is a pattern at all. */
export function isGlob(pattern: string): boolean {
  return expandBraces(pattern)?.every((alternative) => parseParts(alternative) !== undefined) ?? false
}

// Every state is followed at once, so that no pattern makes it try anything twice.
function fits(parts: Part[] | undefined, text: string): boolean {
  if (parts === undefined) return false
  let states = new Set(reach(parts, 0))
  for (const character of text) {
    const next = new Set<number>()
    for (const at of states) {
      const part = parts[at]
      if (!part?.takes(character)) continue
      for (const reached of reach(parts, part.isRepeated ? at : at + 1)) next.add(reached)
    }
    if (next.size === 0) return false
    states = next
  }
  return states.has(parts.length)
}

/** The place itself, and those behind the repeated parts that take nothing. */
function reach(parts: Part[], from: number): number[] {
  const places = [from]
  for (let at = from; parts[at]?.isRepeated; at += 1) places.push(at + 1)
  return places
}

const isSeparator = (character: string) => character === '.' || character === '/'

function parseParts(pattern: string): Part[] | undefined {
  const parts: Part[] = []
  const characters = [...pattern]
  for (let at = 0; at < characters.length; at += 1) {
    const character = characters[at]!
    if (character === '\\') {
      const literal = characters[(at += 1)]
      if (literal === undefined) return undefined
      parts.push(toLiteral(literal))
    } else if (character === '*') {
      const isDeep = characters[at + 1] === '*'
      while (characters[at + 1] === '*') at += 1
      parts.push({ takes: (one) => isDeep || !isSeparator(one), isRepeated: true })
    } else if (character === '?') parts.push({ takes: (one) => !isSeparator(one), isRepeated: false })
    else if (character === '[') {
      const end = characters.indexOf(']', at + 2)
      const takes = end < 0 ? undefined : parseClass(characters.slice(at + 1, end))
      if (takes === undefined) return undefined
      parts.push({ takes, isRepeated: false })
      at = end
    } else parts.push(toLiteral(character))
  }
  return parts
}

function toLiteral(literal: string): Part {
  return { takes: (one) => one === literal, isRepeated: false }
}

/** `abc`, `!abc`, `a-z` or `!a-z`. */
function parseClass(inside: string[]): Part['takes'] | undefined {
  const isNegated = inside[0] === '!'
  const members = isNegated ? inside.slice(1) : inside
  if (members.length === 0) return undefined
  const [low, dash, high] = members as [string, string?, string?]
  const isRange = members.length === 3 && dash === '-' && high !== undefined
  return (one) => (isRange ? one >= low && one <= high : members.includes(one)) !== isNegated
}

/** The patterns without braces that a pattern stands for; undefined where braces do not match, or stand for too many. */
function expandBraces(pattern: string): string[] | undefined {
  let done = ['']
  for (let at = 0; at < pattern.length; at += 1) {
    const character = pattern[at]!
    if (character === '}') return undefined
    if (character !== '{') {
      const text = character === '\\' ? pattern.slice(at, (at += 1) + 1) : character
      done = done.map((start) => start + text)
      continue
    }
    const group = splitGroup(pattern, at + 1)
    const choices = group?.choices.map(expandBraces)
    if (group === undefined || choices === undefined || choices.some((choice) => choice === undefined)) return undefined
    const all = choices.flatMap((choice) => choice ?? [])
    if (done.length * all.length > MOST_ALTERNATIVES) return undefined
    done = done.flatMap((start) => all.map((choice) => start + choice))
    at = group.end
  }
  return done
}

/** The choices of a group whose inside begins here, and where it ends. */
function splitGroup(pattern: string, from: number): { choices: string[]; end: number } | undefined {
  const choices: string[] = []
  let depth = 0
  let start = from
  for (let at = from; at < pattern.length; at += 1) {
    const character = pattern[at]
    if (character === '\\') at += 1
    else if (character === '{') depth += 1
    else if (character === '}' && depth > 0) depth -= 1
    else if (character === '}') return { choices: [...choices, pattern.slice(start, at)], end: at }
    else if (character === ',' && depth === 0) {
      choices.push(pattern.slice(start, at))
      start = at + 1
    }
  }
  return undefined
}
