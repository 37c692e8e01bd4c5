/** The part of a zod issue that a sentence for people needs. */
export interface Issue {
  code?: string
  path: PropertyKey[]
  message: string
  minimum?: number | bigint
  maximum?: number | bigint
  origin?: string
  format?: string
}

/** What is wrong with one field, in words for whoever filled it in. */
export function toIssueText({ code, message, minimum, maximum, origin, format }: Issue): string {
  if (code === 'too_small' && origin === 'string') return minimum === 1 ? 'Please fill this in.' : `At least ${minimum} characters.`
  if (code === 'too_big' && origin === 'string') return `At most ${maximum} characters.`
  if (code === 'too_small' && origin === 'number') return `At least ${minimum}.`
  if (code === 'too_big' && origin === 'number') return `At most ${maximum}.`
  if (code === 'invalid_format' && format === 'email') return 'This is not an e-mail address.'
  if (code === 'invalid_format') return 'This is not of the form that is wanted here.'
  if (code === 'custom') return `This ${message}.`
  return message
}

/** The first problem of each field, by the field's name. */
export function toFieldErrors(issues: readonly Issue[]): Record<string, string> {
  const errors: Record<string, string> = {}
  for (const issue of issues) errors[String(issue.path[0] ?? '')] ??= toIssueText(issue)
  return errors
}

/** The problems that the server names in an error's details; empty if it names none. */
export function toIssues(details: unknown): Issue[] {
  const list = Array.isArray(details) ? details : (details as { issues?: unknown } | null | undefined)?.issues
  return Array.isArray(list) ? list.flatMap(toIssue) : []
}

/** The server writes a path as text, `a.b`. */
function toIssue(value: unknown): Issue[] {
  const { path, message } = (value ?? {}) as { path?: unknown; message?: unknown }
  return typeof path === 'string' && typeof message === 'string' ? [{ path: path.split('.'), message }] : []
}
