import { ServiceError } from '@polder/core'
import { isDatabaseError, type ProjectScope } from '@polder/db'
import { toHookStatement } from '../queries/hook-call.ts'

/** `pg-functions://postgres/<schema>/<function>`. */
const URI = /^pg-functions:\/\/[^/]+\/([a-zA-Z_][a-zA-Z0-9_]{0,62})\/([a-zA-Z_][a-zA-Z0-9_]{0,62})$/

/** GoTrue's limit for a function. */
const TIMEOUT_MS = 2_000

/**
 * Calls a function of the project's database with the payload, as `supabase_auth_admin`: with the rights that the project gave that
 * role, and none of the platform's. Answers its result as text.
 */
export async function callSqlHook(project: ProjectScope, uri: string, payload: string): Promise<string | null> {
  const [, schema, name] = URI.exec(uri) ?? []
  if (schema === undefined || name === undefined) throw new ServiceError('auth.hook_failed', { message: `Error running hook URI: ${uri}` })
  try {
    const { rows } = await project.db.asAuthAdmin(toHookStatement(schema, name, payload, TIMEOUT_MS))
    return rows[0]?.[0]?.toString() ?? null
  } catch (cause) {
    if (!isDatabaseError(cause)) throw cause
    if (cause.code === '57014') {
      const message = `Failed to reach hook within maximum time of ${TIMEOUT_MS / 1000} seconds`
      throw new ServiceError('auth.hook_timeout', { message, cause })
    }
    throw new ServiceError('auth.hook_failed', { message: `Error running hook URI: ${uri}`, cause })
  }
}
