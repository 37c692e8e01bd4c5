const PARTS = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}]/gs

/**
 * Whether an object in the JSON text, which must be valid, has a name twice. JSON.parse takes the last of two, Postgres too, but
 * another reader of the same token may take the first: what one has checked the other would not see.
 */
export function hasTwinName(json: string): boolean {
  const open: Set<string>[] = []
  for (const [part, colon] of json.matchAll(PARTS)) {
    if (part === '{') open.push(new Set())
    else if (part === '}') open.pop()
    else if (colon !== undefined) {
      const names = open.at(-1)!
      // `"\u0072ole"` is the name `role`
      const name = JSON.parse(part.slice(0, -colon.length)) as string
      if (names.has(name)) return true
      names.add(name)
    }
  }
  return false
}
