import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, inject, test } from 'vitest'
import { openPolder, signUpWithToken } from './platform.ts'

const run = promisify(execFile)
const examples = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../examples/admin-scripts')

test('the example scripts create a project, seed it, and list it with its size', async () => {
  const env = { ...process.env, POLDER_URL: inject('serverUrl'), POLDER_TOKEN: await signUpWithToken('scripts@e2e.test') }
  const created = await run(process.execPath, ['create-and-seed.ts', 'From a script'], { cwd: examples, env })
  const { ref } = JSON.parse(created.stdout) as { ref: string }
  const [project] = await (await openPolder('scripts@e2e.test')).projects.list()
  expect(project).toMatchObject({ ref, name: 'From a script', status: 'active' })
  const listed = await run(process.execPath, ['list-projects.ts'], { cwd: examples, env })
  expect(listed.stdout).toContain(project!.ref)
  expect(listed.stdout).toMatch(/\d+(\.\d+)? [kM]B/i)
})
