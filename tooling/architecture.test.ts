import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { findImports, listFiles, readText, ROOT } from './source-tree.ts'

const SERVICES = ['auth', 'rest', 'storage', 'realtime', 'functions', 'webhooks', 'logs', 'analytics', 'database']
/** Folders of packages/adapters that are no services. */
const NOT_SERVICES = ['provisioning', 'outgoing', 'object-store']

const sources = ['packages', 'apps', 'tooling', 'examples', 'e2e']
  .flatMap((folder) => listFiles(folder))
  .filter((file) => /\.(?:ts|mjs|svelte)$/.test(file))
const isTest = (file: string) => /\.(?:test|spec)\.ts$/.test(file) || /\/(?:testing\/|test-)/.test(file)
const code = sources.filter((file) => !isTest(file))
const inside = (files: string[], ...folders: string[]) => files.filter((file) => folders.some((folder) => file.startsWith(`${folder}/`)))
const has = (file: string) => existsSync(path.join(ROOT, file))
const folders = (folder: string) =>
  readdirSync(path.join(ROOT, folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
const importing = (files: string[], name: RegExp, { values = false } = {}) =>
  files.filter((file) => findImports(readText(file)).some((found) => name.test(found.name) && !(values && found.isTypeOnly)))
const containing = (files: string[], pattern: RegExp) => files.filter((file) => pattern.test(readText(file)))

describe('rooms of the adapters', () => {
  const adapters = folders('packages/adapters/src').filter((name) => !NOT_SERVICES.includes(name))

  test('are named by the nine words', () => {
    expect(adapters.filter((name) => !SERVICES.includes(name))).toEqual([])
    expect(adapters).toEqual(expect.arrayContaining(['auth', 'rest', 'database']))
  })

  test.each(adapters)('%s has its rooms, its door in package.json and its router', (name) => {
    const home = `packages/adapters/src/${name}`
    expect(['index.ts', 'adapter.ts', 'probe.ts'].filter((room) => !has(`${home}/${room}`))).toEqual([])
    expect(has(`${home}/queries.ts`) || has(`${home}/queries`)).toBe(true)
    expect(JSON.parse(readText('packages/adapters/package.json')).exports).toHaveProperty([`./${name}`], `./src/${name}/index.ts`)
    expect(has(`apps/server/src/trpc/routers/${name}.ts`)).toBe(true)
    expect(readText('apps/server/src/trpc/root.ts')).toMatch(new RegExp(`\\b${name}: `))
  })

  test.each(adapters)('%s lets nobody past its door, and imports no other', (name) => {
    const others = adapters.filter((other) => other !== name)
    const own = inside(sources, `packages/adapters/src/${name}`)
    expect(importing(own, new RegExp(`\\.\\./(?:${others.join('|')})(?:/|$)`))).toEqual([])
  })
})

describe('floors', () => {
  const declared = (folder: string) => {
    const { dependencies = {}, devDependencies = {} } = JSON.parse(readText(`${folder}/package.json`)) as Record<
      string,
      Record<string, string>
    >
    return { uses: Object.keys(dependencies).filter(isOurs).toSorted(), builds: Object.keys(devDependencies).filter(isOurs).toSorted() }
  }
  const isOurs = (name: string) => name.startsWith('@polder/')

  test.each([
    ['packages/core', [], []],
    ['packages/db', ['@polder/core'], []],
    ['packages/adapters', ['@polder/core', '@polder/db'], []],
    ['apps/server', ['@polder/adapters', '@polder/core', '@polder/db'], []],
    ['apps/web', ['@polder/core', '@polder/sdk'], []],
  ])('%s stands on %j only', (folder, uses, builds) => {
    expect(declared(folder)).toEqual({ uses, builds })
  })

  test('the SDK takes nothing but types from the server', () => {
    expect(declared('packages/sdk').builds).toContain('@polder/server')
    expect(importing(inside(sources, 'packages/sdk'), /^@polder\/(?:server|db|adapters)/, { values: true })).toEqual([])
    expect(JSON.parse(readText('apps/server/package.json')).exports['./router']).toEqual({ types: './src/trpc/root.ts' })
  })

  test('core does no I/O', () => {
    expect(importing(inside(code, 'packages/core'), /^(?!\.{1,2}\/|zod$|jose$)/)).toEqual([])
  })

  test('pg stays in packages/db', () => {
    const allowed = [...inside(sources, 'packages/db', 'tooling'), ...sources.filter((file) => file.endsWith('.db.test.ts'))]
    expect(importing(sources, /^pg$/).filter((file) => !allowed.includes(file))).toEqual([])
  })

  test('SQL is made in packages/db and in the queries of adapters', () => {
    const outside = inside(code, 'apps', 'packages/core', 'packages/sdk', 'examples', 'e2e')
    expect(importing(outside, /^kysely/)).toEqual([])
    const rooms = inside(code, 'packages/adapters').filter((file) => !/\/queries(?:\.ts$|\/)/.test(file))
    expect(importing(rooms, /^kysely/, { values: true })).toEqual([])
  })

  test('adapters know nothing of HTTP or tRPC, platform logic nothing of Fastify', () => {
    expect(importing(inside(sources, 'packages/adapters', 'packages/db'), /^(?:fastify|@fastify\/|@trpc\/)/)).toEqual([])
    expect(importing(inside(code, 'apps/server/src/platform'), /^(?:fastify|@fastify\/|@trpc\/)/)).toEqual([])
  })

  test('nobody reaches into another package', () => {
    expect(importing(inside(sources, 'packages', 'apps'), /^@polder\/[a-z]+\/src|^(?:\.\.\/)+(?:packages|apps)\//)).toEqual([])
  })
})

describe('one door', () => {
  test('access is checked at the doors: the tRPC procedure, the gateway’s hook and the management API’s', () => {
    const callers = containing(inside(code, 'packages', 'apps'), /\.validateProjectAccess\(/)
    expect(callers).toEqual([
      'apps/server/src/gateway/gateway.ts',
      'apps/server/src/management/management-door.ts',
      // Sweeps a project's files, with its own service key.
      'apps/server/src/platform/open-as-service.ts',
      // Tries a new project's own keys, as an app would, before anybody is told of it.
      'apps/server/src/platform/probe-project.ts',
      'apps/server/src/trpc/trpc.ts',
    ])
  })

  test('the proof of access is made in one place', () => {
    const makers = sources.filter(
      (file) => file !== 'tooling/architecture.test.ts' && /\bas (?:unknown as )?ProjectAccess\b/.test(readText(file)),
    )
    expect(makers.filter((file) => !isTest(file))).toEqual(['packages/db/src/service-router.ts'])
  })

  test('the environment is read by config.ts, which main.ts hands it to', () => {
    const readers = containing(inside(code, 'packages', 'apps'), /\bprocess\.env\b/).filter(
      (file) => !/^apps\/web\/[^/]+\.config\.ts$/.test(file),
    )
    expect(readers.filter((file) => !['apps/server/src/config.ts', 'apps/server/src/main.ts'].includes(file))).toEqual([])
  })

  test('nothing is kept in a module: no singletons', () => {
    expect(containing(inside(code, 'packages', 'apps'), /\bgetInstance\(/)).toEqual([])
    // A `let` at a module's top is state that two servers in one process would share.
    expect(containing(inside(code, 'packages', 'apps/server'), /^(?:export )?let /m)).toEqual([])
  })
})

describe('names', () => {
  test('files are kebab-case, components PascalCase', () => {
    const wrong = sources.filter((file) => {
      const name = path.basename(file)
      if (file.endsWith('.svelte')) return !/^(?:\+[a-z]+(?:@[a-z()]*)?|[A-Z][A-Za-z0-9]*)\.svelte$/.test(name)
      return !/^\+?[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+)*\.(?:ts|mjs)$/.test(name)
    })
    expect(wrong).toEqual([])
  })

  test('no file or folder is called after what it is not', () => {
    const vague = /(?:^|\/)(?:utils?|helpers?|common|misc|types|interfaces|shared|lib|stuff)(?:\.[a-z]+)*(?:\/|\.ts$)/
    expect(sources.filter((file) => vague.test(file.replace('apps/web/src/lib/', 'apps/web/src/')))).toEqual([])
  })

  test('an account is never called a user, nor a user an account, in the names of files', () => {
    expect(inside(code, 'packages/db/src/platform').filter((file) => /\busers?\b/.test(path.basename(file)))).toEqual([])
    expect(inside(code, 'packages/adapters/src/auth').filter((file) => /\baccounts?\b/.test(path.basename(file)))).toEqual([])
  })
})

describe('size', () => {
  const config = JSON.parse(readText('.oxlintrc.json')) as { overrides: { files: string[]; rules: Record<string, unknown> }[] }
  const exceptions = config.overrides.filter(({ rules }) => rules['max-lines'] === 'off').flatMap(({ files }) => files)
  const lines = (file: string) => readText(file).trimEnd().split('\n').length

  test('files have at most 300 lines, tests 400, but for those that the lint configuration names', () => {
    const large = sources
      .filter((file) => !exceptions.includes(file) && lines(file) > (isTest(file) ? 400 : 300))
      .map((file) => `${file}: ${lines(file)}`)
    expect(large).toEqual([])
  })

  test('every exception is still needed', () => {
    expect(exceptions.filter((file) => !has(file) || lines(file) <= 300)).toEqual([])
  })

  test('the median file is small', () => {
    const sizes = inside(code, 'packages', 'apps/server')
      .map(lines)
      .toSorted((a, b) => a - b)
    expect(sizes[Math.floor(sizes.length / 2)]).toBeLessThanOrEqual(100)
  })
})
