/** The name most like the one asked for, by cosine of their letter groups and then by edits; undefined below the score. */
export function findSimilar(names: readonly string[], wanted: string, least: number): string | undefined {
  const target = normalize(wanted)
  for (const size of [3, 2]) {
    const grams = gramsOf(target, size)
    let candidates = names.map((name) => ({ name, score: cosine(grams, gramsOf(normalize(name), size)) })).filter(({ score }) => score > 0)
    if (candidates.length === 0) continue
    candidates = candidates.toSorted((left, right) => right.score - left.score).slice(0, 50)
    const best = candidates
      .map(({ name }) => ({ name, score: closeness(normalize(name), target) }))
      .filter(({ score }) => score >= least)
      .toSorted((left, right) => right.score - left.score)[0]
    if (best !== undefined) return best.name
  }
  return undefined
}

function normalize(name: string): string {
  return name.toLowerCase()
}

function gramsOf(name: string, size: number): Map<string, number> {
  const padded = `-${name.replaceAll(/[^\p{L}\p{N},\s]/gu, '')}-`
  const grams = new Map<string, number>()
  for (let index = 0; index + size <= padded.length; index += 1) {
    const gram = padded.slice(index, index + size)
    grams.set(gram, (grams.get(gram) ?? 0) + 1)
  }
  return grams
}

function cosine(left: Map<string, number>, right: Map<string, number>): number {
  let product = 0
  for (const [gram, count] of left) product += count * (right.get(gram) ?? 0)
  return product / (lengthOf(left) * lengthOf(right) || 1)
}

function lengthOf(grams: Map<string, number>): number {
  let sum = 0
  for (const count of grams.values()) sum += count * count
  return Math.sqrt(sum)
}

function closeness(left: string, right: string): number {
  const longest = Math.max(left.length, right.length)
  return longest === 0 ? 1 : 1 - distance(left, right) / longest
}

function distance(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= right.length; column += 1) {
      const cost = left[row - 1] === right[column - 1] ? 0 : 1
      current.push(Math.min((current[column - 1] ?? 0) + 1, (previous[column] ?? 0) + 1, (previous[column - 1] ?? 0) + cost))
    }
    previous = current
  }
  return previous[right.length] ?? 0
}
