import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildPackage } from './build-package.ts'

const home = path.resolve(import.meta.dirname, '..')
// Inside the package, where its dependencies are found.
const folder = mkdtempSync(path.join(home, '.build-test-'))
let declarations: string
let code: string

beforeAll(async () => {
  await buildPackage(path.join(folder, 'dist'))
  declarations = readFileSync(path.join(folder, 'dist/index.d.ts'), 'utf8')
  code = readFileSync(path.join(folder, 'dist/index.js'), 'utf8')
}, 180_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('the declarations stand by themselves and name nothing of the server’s', () => {
  expect(declarations).not.toMatch(/^\s*(?:import|export)\b.*\bfrom\b/m)
  expect(declarations).not.toMatch(/kysely|fastify|\bpg\b|zod|lucia|ProjectScope|\bContext\b|\$brand|@polder\//)
  expect(declarations).not.toMatch(/:\s*any\b/)
  for (const service of ['projects', 'organizations', 'auth', 'database', 'operations', 'account'])
    expect(declarations).toContain(`"${service}": {`)
})

test('the code needs @trpc/client and nothing else, and is small', () => {
  const imports = [...code.matchAll(/^import .* from "([^"]+)"/gm)].map(([, name]) => name)
  expect(new Set(imports)).toEqual(new Set(['@trpc/client']))
  expect(gzipSync(code).length).toBeLessThan(6_000)
  expect(statSync(path.join(folder, 'dist/index.d.ts')).size).toBeLessThan(200_000)
})

test('an app gets the types and the client from what is published', { timeout: 60_000 }, async () => {
  writeFileSync(
    path.join(folder, 'app.ts'),
    `import { createClient, isSdkError, SdkError, type Output } from './dist/index.js'
     const polder = createClient({ url: 'http://localhost:8000', token: 'plr_x' })
     const names: string[] = (await polder.projects.list()).map(({ name }) => name)
     const size: Promise<{ bytes: number }> = polder.project('alpha').database.getSize()
     const created: Output<'projects', 'list'>[number]['createdAt'] = '2026-01-01'
     // @ts-expect-error
     polder.projects.lst()
     // @ts-expect-error
     polder.project('alpha').auth.listUsers({ page: 'two' })
     export { names, size, created, isSdkError, SdkError }`,
  )
  const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023', '--types', 'node', '--ignoreConfig']
  const output = await new Promise<string>((resolve) => {
    execFile(
      path.resolve(home, '../../node_modules/.bin/tsc'),
      [...options, path.join(folder, 'app.ts')],
      { cwd: folder },
      (_error, stdout) => resolve(stdout),
    )
  })
  expect(output).toBe('')
  const { createClient, SdkError } = await import(path.join(folder, 'dist/index.js'))
  await expect(createClient({ url: 'http://127.0.0.1:1' }).projects.list()).rejects.toBeInstanceOf(SdkError)
})
