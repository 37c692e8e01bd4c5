import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { isServiceError, isSourcePath, type FunctionSource } from '@polder/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAddressGuard, createOutgoingAgents } from '../../outgoing/index.ts'
import { toSource } from '../testing/test-functions.ts'
import { openTestRegistry, type TestRegistry } from '../testing/test-registry.ts'
import { bundleFunction } from './bundle-function.ts'
import { createNpmPackages, type NpmPackages } from './npm-packages.ts'
import { createRemoteModules, type RemoteModules } from './remote-modules.ts'

const CANARY = 'canary-77aa01'
let registry: TestRegistry
let folder: string
let packages: NpmPackages
let remote: RemoteModules
const agents = createOutgoingAgents(createAddressGuard())

const packageOf = (name: string, version: string, more: object, files: Record<string, string>) => ({
  'package.json': JSON.stringify({ name, version, ...more }),
  ...files,
})

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'polder-bundle-'))
  writeFileSync(path.join(folder, 'canary.js'), `export default '${CANARY}'`)
  const up = `../../../../../../../../../..${folder}/canary.js`
  registry = await openTestRegistry(
    {
      greet: {
        '1.0.0': packageOf('greet', '1.0.0', { main: 'index.js', dependencies: { 'is-loud': '^2.0.0' } }, { 'index.js': `exports.greet = (n) => 'v1 ' + require('is-loud')(n)` }),
        '1.2.0': packageOf('greet', '1.2.0', { main: 'index.js', dependencies: { 'is-loud': '^2.0.0' } }, { 'index.js': `exports.greet = (n) => 'v1.2 ' + require('is-loud')(n)` }),
        '2.0.0': packageOf('greet', '2.0.0', { type: 'module', exports: { '.': './main.js', './sub': './sub.js' } }, { 'main.js': `export const greet = (n) => 'v2 ' + n`, 'sub.js': `export const sub = 'sub'`, 'hidden.js': '' }),
      },
      'is-loud': { '2.1.0': packageOf('is-loud', '2.1.0', { main: './lib/index.js' }, { 'lib/index.js': `module.exports = (t) => require('util').format('%s!', t)` }) },
      '@scope/thing': { '1.0.0': packageOf('@scope/thing', '1.0.0', { main: 'a.js' }, { 'a.js': `module.exports = { thing: 'thing' }` }) },
      '@jsr/std__text': { '1.0.0': packageOf('@jsr/std__text', '1.0.0', { type: 'module', exports: { '.': './mod.js', './case': './case.js' } }, { 'mod.js': `export const text = 'jsr'`, 'case.js': `export const upper = (t) => t.toUpperCase()` }) },
      climber: { '1.0.0': packageOf('climber', '1.0.0', { main: 'a.js' }, { 'a.js': `module.exports = require('${up}')` }) },
      greedy: { '1.0.0': packageOf('greedy', '1.0.0', { main: 'a.js' }, { 'a.js': `import x from '${folder}/canary.js'; export default x` }) },
      undeclared: { '1.0.0': packageOf('undeclared', '1.0.0', { type: 'module', main: 'a.js' }, { 'a.js': `import x from 'greet'; export default x` }) },
      forged: { '1.0.0': packageOf('forged', '1.0.0', {}, { 'index.js': '' }) },
      linked: {
        '1.0.0': [
          { path: 'package/package.json', content: '{"name":"linked","version":"1.0.0","main":"index.js"}' },
          { path: 'package/index.js', type: '2', linkTarget: path.join(folder, 'canary.js') },
          { path: 'package/../../../escaped.js', content: 'x' },
          { path: '/absolute.js', content: 'x' },
        ],
      },
    },
    { breaksIntegrity: ['forged'] },
  ) // prettier-ignore
  packages = createNpmPackages({ folder: path.join(folder, 'cache'), registry: registry.url, jsrRegistry: registry.url })
  remote = createRemoteModules(agents)
})
afterAll(async () => {
  await registry?.[Symbol.asyncDispose]()
  await agents.close()
  rmSync(folder, { recursive: true, force: true })
})

const bundle = (source: string | Record<string, string>) => bundleFunction(toSource(source), { packages, remote })

/** What the module gives as its default. */
async function run(source: string | Record<string, string>): Promise<unknown> {
  const { code } = await bundle(source)
  const module = (await import(`data:text/javascript;base64,${code.toString('base64')}`)) as { default: unknown }
  return module.default
}

describe('packages', () => {
  test.each([
    ['a range', `import { greet } from 'npm:greet@1'; export default greet('x')`, 'v1.2 x!'],
    ['a version', `import { greet } from 'npm:greet@1.0.0'; export default greet('x')`, 'v1 x!'],
    ['the newest', `import { greet } from 'npm:greet'; export default greet('x')`, 'v2 x'],
    ['a part that it exports', `import { sub } from 'npm:greet@2/sub'; export default sub`, 'sub'],
    ['a scope', `import { thing } from 'npm:@scope/thing@^1'; export default thing`, 'thing'],
    ['JSR', `import { text } from 'jsr:@std/text@1'; export default text`, 'jsr'],
    ['a part of JSR', `import { upper } from 'jsr:@std/text@1/case'; export default upper('a')`, 'A'],
    ['a mirror', `import { greet } from 'https://esm.sh/greet@2.0.0'; export default greet('x')`, 'v2 x'],
  ])('are found by %s', async (_title, code, expected) => {
    expect(await run(code)).toBe(expected)
  })

  test('are found by an import map, and by a bare name in deno.json with what is below it', async () => {
    const files = { 'index.ts': `import { greet } from 'greet'; import { sub } from 'greet/sub'; export default greet(sub)` }
    expect(await run({ ...files, 'deno.json': '{"imports":{"greet":"npm:greet@2"}}' })).toBe('v2 sub')
    expect(await run({ ...files, 'import_map.json': '{"imports":{"greet":"npm:greet@2","greet/":"npm:/greet@2/"}}' })).toBe('v2 sub')
  })

  test.each([
    ['is not there', `import 'npm:nothing-here@1'`, /no package nothing-here/],
    ['has no such version', `import 'npm:greet@9'`, /no version 9/],
    ['does not export it', `import 'npm:greet@2/hidden.js'`, /hidden/],
    ['is imported without being named', `import 'greet'`, /npm:greet/],
    ['imports what it does not name', `import 'npm:undeclared'`, /dependencies/],
    ['is not what the registry vouches for', `import 'npm:forged'`, /vouches/],
    ['has a name that is none', `import 'npm:..%2f..%2fetc@1'`, /not the name of a package/],
  ])('that %s: a clear refusal', async (_title, code, message) => {
    await expect(bundle(code)).rejects.toMatchObject({ code: 'functions.bundle_failed', message: expect.stringMatching(message) })
  })

  test('of a registry that does not answer: a clear refusal', async () => {
    const none = createNpmPackages({
      folder: path.join(folder, 'none'),
      registry: 'http://127.0.0.1:9/',
      jsrRegistry: 'http://127.0.0.1:9/',
    })
    const source = toSource(`import 'jsr:@std/text@1'`)
    await expect(bundleFunction(source, { packages: none, remote })).rejects.toMatchObject({
      message: expect.stringContaining('does not answer'),
    })
  })
})

describe('no file of this machine gets into a bundle', () => {
  const targets = () => [
    `${folder}/canary.js`,
    `file://${folder}/canary.js`,
    `../../../../../..${folder}/canary.js`,
    `/${folder}/canary.js`,
  ]

  test('by any form of import', async () => {
    for (const target of targets()) {
      const text = JSON.stringify(target)
      for (const code of [
        `import x from ${text}; export default x`,
        `import x from ${text} with { type: 'text' }; export default x`,
        `import x from ${text} with { type: 'bytes' }; export default x`,
        `export * from ${text}`,
        `export default await import(${text})`,
        `export default require(${text})`,
        `/// <reference path=${text} />\nimport ${text}`,
      ]) {
        const result = await bundle(code).then(({ code: made }) => made.toString(), (error: Error) => error.message) // prettier-ignore
        expect([code, result.includes(CANARY)]).toEqual([code, false])
      }
    }
    const files = {
      'index.ts': `import x from 'mapped'; export default x`,
      'deno.json': JSON.stringify({ imports: { mapped: `${folder}/canary.js` } }),
    }
    await expect(bundle(files)).rejects.toMatchObject({ code: 'functions.bundle_failed' })
  })

  test('by a package that leads out of itself, or has links', async () => {
    for (const name of ['climber', 'greedy', 'linked']) {
      const result = await bundle(`import x from 'npm:${name}'; export default x`).then(({ code }) => code.toString(), (error: Error) => error.message) // prettier-ignore
      expect([name, result.includes(CANARY)]).toEqual([name, false])
    }
    expect(existsSync(path.join(folder, 'cache', 'escaped.js')) || existsSync(path.join(folder, 'escaped.js'))).toBe(false)
    expect(readdirSync(path.join(folder, 'cache')).every((name) => !name.includes('..'))).toBe(true)
  })

  test('nor is anything on this machine’s network asked for code', async () => {
    const before = registry.asked.length
    for (const url of [registry.url, registry.url.replace('http:', 'https:'), 'https://localhost/x.ts', 'https://169.254.169.254/x.ts']) {
      await expect(bundle(`import ${JSON.stringify(`${url}module.js`)}`)).rejects.toMatchObject({ code: 'functions.bundle_failed' })
    }
    expect(registry.asked.length).toBe(before)
  })
})

describe('an upload', () => {
  test('takes paths inside it, and no others', () => {
    for (const ok of ['a.ts', 'a/b.ts', '.env', 'ä.ts', '_shared/x.ts', 'a b.ts']) expect([ok, isSourcePath(ok)]).toEqual([ok, true])
    for (const no of ['/a', '../a', 'a/../b', './a', 'a//b', 'a/', 'a\\b', 'c:a', 'a\0', 'a\nb', '', '.', '..', '\ud800']) expect([no, isSourcePath(no)]).toEqual([no, false]) // prettier-ignore
  })

  test('whatever its files say, is bundled or refused with a code, and shows no path of this machine', async () => {
    const specifier = fc.oneof(
      fc.string({ maxLength: 30 }),
      fc.constantFrom(
        './b.ts',
        '../b.ts',
        'npm:',
        'jsr:x',
        'node:fs',
        'https://',
        'file:///',
        '/',
        '.',
        '@',
        'b',
        '#x',
        'data:text/javascript,1',
      ),
    )
    await fc.assert(
      fc.asyncProperty(specifier, fc.string({ unit: 'binary', maxLength: 60 }), async (name, text) => {
        const source: FunctionSource = toSource({
          'index.ts': `import ${JSON.stringify(name)}; export default 1`,
          'b.ts': text.toWellFormed(),
        })
        const error: unknown = await bundleFunction(source, { packages, remote }).then(() => undefined, (e: unknown) => e) // prettier-ignore
        if (error === undefined) return
        expect(isServiceError(error)).toBe(true)
        expect(String((error as Error).message)).not.toContain(import.meta.dirname)
      }),
      { numRuns: 200 },
    )
  }, 60_000)

  test('names the place of a mistake', async () => {
    const error = (await bundle('const a = 1\nconst b = ;').catch((e: unknown) => e)) as { details: { problems: object[] } }
    expect(error.details.problems[0]).toMatchObject({ file: 'index.ts', line: 2 })
  })

  test('may use JSX by deno.json, JSON, text and bytes', async () => {
    const files = {
      'index.tsx': `import data from './d.json' with { type: 'json' }; import raw from './r.bin' with { type: 'bytes' }
        const h = (tag: string, _props: unknown, ...rest: unknown[]) => tag + rest.join(''); export default [<b>x</b>, data.a, raw.length].join('|')`,
      'd.json': '{"a":1}',
      'r.bin': 'abc',
      'deno.jsonc': `{ "compilerOptions": { "jsx": "react", "jsxFactory": "h" } }`,
    }
    expect(await run(files)).toBe('bx|1|3')
  })
})
