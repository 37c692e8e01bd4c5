import type { ERROR_CATALOG, ERROR_KINDS } from '@polder/core'

/** The parts of a zod schema that documentation needs. */
interface Setting {
  description?: string | undefined
  safeParse(value: unknown): { success: boolean; data?: unknown }
}

/** Codes that are not used any more stay listed: they are never given to another error. */
const RETIRED: readonly { code: string; meaning: string }[] = []

/** docs/errors.md: every code that the system answers with. */
export function toErrorsPage(catalog: typeof ERROR_CATALOG, kinds: typeof ERROR_KINDS): string {
  const groups = Map.groupBy(Object.entries(catalog), ([code]) => code.slice(0, code.indexOf('.')))
  const sections = [...groups].map(([service, entries]) => {
    const rows = entries.map(([code, { kind, sentence }]) => `| \`${code}\` | ${kind} | ${kinds[kind]} | ${escapeCell(sentence)} |`)
    return [`## ${service}`, '', '| code | kind | HTTP status | sentence |', '|---|---|---|---|', ...rows, ''].join('\n')
  })
  const retired = RETIRED.length === 0 ? 'None yet.' : RETIRED.map(({ code, meaning }) => `- \`${code}\`: ${meaning}`).join('\n')
  return `# Errors

Every error has a code, \`<service>.<reason>\`, and every answer a request id that finds it in the log. The code decides the
kind, and the kind the HTTP status. The SDK throws \`SdkError\` with \`code\`, \`status\`, \`message\`, \`details\`, \`hint\` and
\`requestId\`. Under \`/projects/<ref>/auth/v1\` and \`/rest/v1\` apps get the codes and statuses that supabase-js expects instead;
see [compatibility.md](compatibility.md). The sentence may be replaced by one that says more. A project that is not there and
one that is not yours give the same answer.

This page is written by \`node tooling/write-docs.ts\` from the catalogue in \`packages/core/src/errors/catalog.ts\`.

${sections.join('\n')}
## Retired

${retired}
`
}

/** docs/configuration.md: every variable that the server reads. */
export function toConfigurationPage(shape: Record<string, Setting>): string {
  const rows = Object.entries(shape).map(([name, setting]) => {
    const { success, data } = setting.safeParse(undefined)
    const given = Array.isArray(data) ? data.join(',') : typeof data === 'string' ? data : (JSON.stringify(data) ?? '')
    const fallback = !success ? 'required' : given === '' ? '' : `\`${given}\``
    return `| \`${name}\` | ${fallback} | ${escapeCell(setting.description ?? '')} |`
  })
  return `# Configuration

The server is configured by environment variables, read once at start by \`apps/server/src/config.ts\`. All of them may be absent.
A wrong value, or a name that begins with \`POLDER_\` and is not in this list, stops the start with one line that says so.

| variable | default | meaning |
|---|---|---|
${rows.join('\n')}

This page is written by \`node tooling/write-docs.ts\` from the schema in \`apps/server/src/config.ts\`.
`
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('\n', ' ')
}
