/** The first minor release of each major version that has every published security fix we know of. */
const FIRST_FIXED: Record<number, number> = { 16: 16, 17: 12, 18: 7 }

const NEWEST_KNOWN_MAJOR = 18

/** `server_version_num` as people write it, for example 18.4. */
export function toVersionText(version: number): string {
  return `${Math.floor(version / 10_000)}.${version % 10_000}`
}

/**
 * What is wrong with running this server version (`server_version_num`, for example 180004), in words for the cluster's page;
 * null when no missing security fix is known.
 */
export function toVersionWarning(version: number): string | null {
  const major = Math.floor(version / 10_000)
  const minor = version % 10_000
  if (major > NEWEST_KNOWN_MAJOR) return null
  const fixed = FIRST_FIXED[major]
  if (fixed === undefined) {
    return `Postgres ${major} is too old: the walls between projects need at least 16, with its newest minor release.`
  }
  if (minor >= fixed) return null
  return (
    `Postgres ${major}.${minor} lacks published security fixes (${major}.${fixed} has them): whoever can run SQL in one project may ` +
    'run code as the user that the server runs as, and reach every project on it. Keep only projects here whose owners trust each ' +
    'other, or use newer binaries (POLDER_POSTGRES_BIN) or an external server (POLDER_CLUSTER_URL).'
  )
}
