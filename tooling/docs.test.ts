import { existsSync } from 'node:fs'
import path from 'node:path'
import { ERROR_CATALOG, ERROR_KINDS, type ErrorKind } from '@polder/core'
import { describe, expect, test } from 'vitest'
import { toConfigurationPage, toErrorsPage } from './reference-docs.ts'
import { listFiles, readText, ROOT } from './source-tree.ts'

const { environmentSchema } = await import(path.join(ROOT, 'apps/server/src/config.ts'))

describe('docs/errors.md', () => {
  const page = readText('docs/errors.md')

  test.each(Object.entries(ERROR_CATALOG) as [string, { kind: ErrorKind; sentence: string }][])(
    'has %s as it is',
    (code, { kind, sentence }) => {
      expect(page).toContain(
        `| \`${code}\` | ${kind} | ${ERROR_KINDS[kind]} | ${sentence.replaceAll('|', '\\|').replaceAll('<', '&lt;')} |`,
      )
    },
  )

  test('has nothing else, and is what the generator writes', () => {
    expect(page).toBe(toErrorsPage(ERROR_CATALOG, ERROR_KINDS))
  })

  test('codes are named after their service and say their kind of thing in lower case', () => {
    for (const code of Object.keys(ERROR_CATALOG)) expect(code).toMatch(/^[a-z]+\.[a-z]+(?:_[a-z]+)*$/)
  })
})

describe('docs/configuration.md', () => {
  const page = readText('docs/configuration.md')

  test.each(Object.keys(environmentSchema.shape))('explains %s', (name) => {
    expect(environmentSchema.shape[name].description).toMatch(/^[A-Z].+\.$/s)
    expect(page).toContain(`| \`${name}\` |`)
  })

  test('is what the generator writes', () => {
    expect(page).toBe(toConfigurationPage(environmentSchema.shape))
  })
})

describe('ARCHITECTURE.md', () => {
  test('names paths that exist', () => {
    // `a/b/c.ts` or `a/b/`; with <placeholders>, braces or wildcards it is a pattern, and not looked for.
    const named = [...readText('ARCHITECTURE.md').matchAll(/`([\w.@()[\]=-]+(?:\/[\w.@()[\]=-]+)*\/?)`/g)].map(([, name = '']) => name)
    const paths = named.filter((name) => /^(?:apps|packages|tooling|docs|e2e|examples)\//.test(name))
    expect(paths.length).toBeGreaterThan(10)
    expect(paths.filter((name) => !existsSync(path.join(ROOT, name)))).toEqual([])
  })
})

describe('docs/compatibility.md', () => {
  test('mentions every compatibility test', () => {
    const page = readText('docs/compatibility.md')
    const tests = listFiles('e2e').filter((file) => /^e2e\/compat\/.*\.test\.ts$/.test(file))
    expect(tests.filter((file) => !page.includes(path.basename(file)))).toEqual([])
  })
})

describe('links', () => {
  const pages = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', ...listFiles('docs').filter((file) => file.endsWith('.md'))]

  test.each(pages)('in %s lead to files that exist', (page) => {
    const links = [...readText(page).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)].map(([, link = '']) => link)
    expect(links.filter((link) => !existsSync(path.join(ROOT, path.dirname(page), link)))).toEqual([])
  })
})
