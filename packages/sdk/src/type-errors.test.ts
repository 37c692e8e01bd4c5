import { execFile } from 'node:child_process'
import path from 'node:path'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const root = path.resolve(import.meta.dirname, '../../..')
const folder = path.resolve(import.meta.dirname, '../fixtures')

/** Lines of the fixture with the compiler's codes, as `tsc` reports them. */
async function compile(): Promise<string[]> {
  const output = await new Promise<string>((resolve) => {
    execFile(path.join(root, 'node_modules/.bin/tsc'), ['-p', folder, '--pretty', 'false'], { cwd: folder }, (_error, stdout) =>
      resolve(stdout),
    )
  })
  return [...output.matchAll(/^misspelt\.ts\((\d+),\d+\): error (TS\d+)/gm)].map(([, line, code]) => `${line}: ${code}`)
}

test('a misspelt procedure or input does not compile, and what is right does', { timeout: 60_000 }, async () => {
  const lines = readFileSync(path.join(folder, 'misspelt.ts'), 'utf8').split('\n')
  const expected = lines.flatMap(
    (line, index) =>
      /\/\/ (TS\d+)$/
        .exec(line)
        ?.slice(1)
        .map((code) => `${index + 1}: ${code}`) ?? [],
  )
  expect(expected.length).toBeGreaterThan(20)
  expect(await compile()).toEqual(expected)
})
