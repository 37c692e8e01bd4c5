import type { ProjectConnection } from '#lib/data/wire.ts'

/** Headers written one a line, `name: value`; lines without a colon are left out. */
export function parseHeaders(text: string): Record<string, string> {
  return Object.fromEntries(
    text
      .split('\n')
      .map((line) => /^\s*([^:\s]+)\s*:\s*(.*?)\s*$/.exec(line))
      .filter((found) => found !== null)
      .map(([, name = '', value = '']) => [name.toLowerCase(), value]),
  )
}

/** The call as an app and as a shell write it. */
export function toCallTexts(
  { url, publishableKey, anonKey }: ProjectConnection,
  name: string,
  body: string,
): { supabaseJs: string; curl: string } {
  const isJson = isJsonText(body)
  return {
    supabaseJs: `import { createClient } from '@supabase/supabase-js'

const supabase = createClient(
  '${url}',
  '${publishableKey}',
)

const { data, error } = await supabase.functions.invoke('${name}'${isJson ? `, {\n  body: ${body.trim()},\n}` : ''})
`,
    curl: `curl -X POST '${url}/functions/v1/${name}' \\
  -H 'Authorization: Bearer ${anonKey}'${isJson ? ` \\\n  -H 'Content-Type: application/json' \\\n  -d '${body.trim().replaceAll("'", String.raw`'\''`)}'` : ''}
`,
  }
}

function isJsonText(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
