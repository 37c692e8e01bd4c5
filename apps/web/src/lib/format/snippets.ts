import type { ProjectConnection } from '../data/wire.ts'

/** The texts that an app needs to use a project, ready to paste. */
export function toEnvText({ url, publishableKey }: ProjectConnection): string {
  return `SUPABASE_URL=${url}\nSUPABASE_ANON_KEY=${publishableKey}\n`
}

export function toSupabaseJsText({ url, publishableKey }: ProjectConnection): string {
  return `import { createClient } from '@supabase/supabase-js'

const supabase = createClient(
  '${url}',
  '${publishableKey}',
)

const { data, error } = await supabase.from('your_table').select()
`
}

export function toCurlText({ url, publishableKey }: ProjectConnection): string {
  return `curl '${url}/rest/v1/your_table?select=*&limit=10' \\
  -H 'apikey: ${publishableKey}'
`
}

export function toPsqlText({ database }: ProjectConnection): string {
  return `psql 'postgresql://${database.user}@${database.host}:${database.port}/${database.name}'`
}
