import type { FunctionSource } from './functions-data.ts'

export interface Template {
  id: string
  label: string
  code: string
}

/** What a new function can begin as. */
export const TEMPLATES: Template[] = [
  {
    id: 'hello',
    label: 'Answers JSON',
    code: `Deno.serve(async (request) => {
  const { name = 'world' } = await request.json().catch(() => ({}))
  return Response.json({ message: \`Hello \${name}!\` })
})
`,
  },
  {
    id: 'database',
    label: 'Reads a table as whoever calls',
    code: `import { createClient } from 'npm:@supabase/supabase-js@2'

Deno.serve(async (request) => {
  // The caller's own token: row-level security holds here as it does in the app.
  const supabase = createClient(Deno.env.get('SUPABASE_URL')!, Deno.env.get('SUPABASE_ANON_KEY')!, {
    global: { headers: { Authorization: request.headers.get('Authorization')! } },
  })
  const { data, error } = await supabase.from('your_table').select().limit(10)
  return Response.json(error ?? data, { status: error ? 400 : 200 })
})
`,
  },
  {
    id: 'page',
    label: 'Called from pages of other sites (CORS)',
    code: `import { corsHeaders } from 'npm:@supabase/supabase-js@2/cors'

Deno.serve((request) => {
  if (request.method === 'OPTIONS') return new Response(null, { status: 204, headers: corsHeaders })
  return Response.json({ at: new Date() }, { headers: corsHeaders })
})
`,
  },
]

export function toSource(code: string): FunctionSource {
  return { entrypoint: 'index.ts', files: [{ path: 'index.ts', content: code }] }
}
