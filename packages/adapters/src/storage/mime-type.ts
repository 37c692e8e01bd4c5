/** Whether a bucket with this list takes the type; parameters as `charset` count only where the list has them. */
export function isAllowedType(type: string, allowed: readonly string[] | null): boolean {
  if (allowed === null || allowed.length === 0) return true
  const [family, kind] = split(type)
  if (kind === undefined) return false
  return allowed.some((one) => {
    const [allowedFamily, allowedKind] = split(one)
    if (allowedFamily === '*' && allowedKind === '*') return true
    return allowedFamily === family && (allowedKind === '*' || allowedKind === kind || allowedKind === kind.split(';')[0]!.trim())
  })
}

function split(type: string): [string, string | undefined] {
  const slash = type.indexOf('/')
  return slash === -1
    ? [type, undefined]
    : [
        type.slice(0, slash).trim().toLowerCase(),
        type
          .slice(slash + 1)
          .trim()
          .toLowerCase(),
      ]
}
