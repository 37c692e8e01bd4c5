import { afterAll, expect, test } from 'vitest'
import { toSource } from '../testing/test-functions.ts'
import { createTypeChecker } from './type-checker.ts'

const checker = createTypeChecker()
afterAll(() => checker.close())

const check = async (files: string | Record<string, string>) =>
  (await checker.check(toSource(files))).map(({ text, file, line }) => `${file}:${line} ${/TS\d+/.exec(text)?.[0]}`)

test('a function that is right has no problems', { timeout: 30_000 }, async () => {
  expect(
    await check(`import { createClient } from 'npm:@supabase/supabase-js@2'
      Deno.serve(async (request: Request): Promise<Response> => {
        const client = createClient(Deno.env.get('SUPABASE_URL')!, '')
        EdgeRuntime.waitUntil(Promise.resolve())
        const { data } = await client.from('a').select()
        return Response.json({ data, method: request.method, env: process.env.X })
      })`),
  ).toEqual([])
})

test('mistakes of types and names are told with their place, in every file', async () => {
  const files = {
    'index.ts': `import { twice } from './lib/twice.ts'\nconst n: number = 'text'\nDeno.serve(() => new Response(twice('x')))\nDeno.nothing()`,
    'lib/twice.ts': `export const twice = (n: number): string => n * 2`,
  }
  expect(await check(files)).toEqual(['index.ts:2 TS2322', 'index.ts:3 TS2345', 'index.ts:4 TS2339', 'lib/twice.ts:1 TS2322'])
})

test('no file of this machine is read for it', async () => {
  const text = await checker.check(
    toSource(
      `/// <reference path="/etc/passwd" />\nimport x from '/etc/hostname.ts'\nexport const a: typeof x = 1\nDeno.serve(() => new Response())`,
    ),
  )
  expect(JSON.stringify(text)).not.toMatch(/root:|hostname:/)
})
