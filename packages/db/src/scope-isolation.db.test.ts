import { createHmac } from 'node:crypto'
import { isServiceError, type ProjectClaims } from '@polder/core'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestCluster, type TestCluster, type TestProject } from './testing/test-cluster.ts'

// The law of the router: nothing that belongs to project A opens project B, however it is put together.

let cluster: TestCluster
let a: TestProject
let b: TestProject

beforeAll(async () => {
  cluster = await openTestCluster()
  ;[a, b] = await Promise.all([cluster.createProject(), cluster.createProject()])
  for (const project of [a, b]) {
    await project.runAsOwner(
      `create table public.marks (mark text); insert into public.marks values ('${project.ref}'); grant select on public.marks to anon, authenticated, service_role`,
    )
  }
})

afterAll(async () => {
  await cluster[Symbol.asyncDispose]()
})

const READ = {
  text: `select string_agg(mark, ',') || ' ' || current_database() from public.marks`,
  values: [],
  isReadOnly: true,
  request: { method: 'GET', path: '/', headers: '{}', cookies: '{}' },
  searchPath: ['public'],
}

const claims = fc.record(
  {
    role: fc.constantFrom('anon', 'authenticated', 'service_role', 'postgres', 'project_owner'),
    sub: fc.uuid(),
    exp: fc.oneof(fc.constant(4_000_000_000), fc.integer(), fc.string()),
    ref: fc.constantFrom('A', 'B'),
    iss: fc.constantFrom('A', 'B', 'supabase', ''),
    aud: fc.constantFrom('authenticated', 'A', 'B'),
  },
  { requiredKeys: ['role', 'exp'] },
)

function toRefs(value: Record<string, unknown>): Record<string, unknown> {
  const refOf: Record<string, string> = { A: a.ref, B: b.ref }
  const issuer = (name: unknown) => (refOf[String(name)] ? `${cluster.publicUrl}/projects/${refOf[String(name)]}/auth/v1` : name)
  return { ...value, ...('ref' in value && { ref: refOf[String(value.ref)] }), ...('iss' in value && { iss: issuer(value.iss) }) }
}

function signWith(secret: string, header: object, payload: object): string {
  const signed = [header, payload].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}

/** Any credential that someone with everything of A, and nothing secret of B, can make. */
const credential = fc.oneof(
  fc.constantFrom('anonKey', 'serviceRoleKey', 'publishableKey', 'secretKey').map((name) => () => a.keys[name as keyof typeof a.keys]),
  claims.map((value) => () => signWith(a.jwtSecret, { alg: 'HS256', typ: 'JWT' }, toRefs(value))),
  fc.record({ value: claims, kid: fc.string() }).map(
    ({ value, kid }) =>
      () =>
        signWith(a.jwtSecret, { alg: 'HS256', kid }, toRefs(value)),
  ),
  // B's public key with other claims, or with A's signature
  claims.map((value) => () => {
    const [header, , signature] = b.keys.anonKey.split('.')
    return `${header}.${Buffer.from(JSON.stringify(toRefs(value))).toString('base64url')}.${signature}`
  }),
  fc.constant(() => `${b.keys.anonKey.split('.').slice(0, 2).join('.')}.${a.keys.anonKey.split('.')[2]}`),
  fc.constant(() => b.keys.publishableKey.replace('publishable', 'secret')),
  fc.string().map((text) => () => text),
)

test('nothing of A opens B', async () => {
  const maybe = fc.option(credential, { nil: undefined })
  let accepted = 0
  await fc.assert(
    fc.asyncProperty(maybe, maybe, fc.boolean(), async (key, bearer, hasPublicKey) => {
      // B's publishable key is public: whoever has it is anon in B, and must not become more by anything of A.
      const apiKey = hasPublicKey ? b.keys.publishableKey : key?.()
      const authorization = bearer === undefined ? undefined : `Bearer ${bearer()}`
      try {
        const access = await cluster.router.validateProjectAccess(b.ref, { kind: 'app', apiKey, authorization })
        expect(hasPublicKey && bearer === undefined).toBe(true)
        expect(access.caller).toMatchObject({ role: 'anon', hasUserToken: false })
        accepted += 1
      } catch (error) {
        if (!isServiceError(error)) throw error
        expect(error.kind).toBe('unauthenticated')
      }
    }),
    { numRuns: 500 },
  )
  expect(accepted).toBeGreaterThan(0)
})

test('requests of both, in any order and at the same time, each see their own project', async () => {
  const request = fc.record({ isA: fc.boolean(), role: fc.constantFrom('anon', 'authenticated', 'service_role'), sub: fc.uuid() })
  await fc.assert(
    fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 12 }), async (requests) => {
      await Promise.all(
        requests.map(async ({ isA, role, sub }) => {
          const project = isA ? a : b
          const scope = await project.scope(role as ProjectClaims['role'], { sub })
          const { rows } = await scope.db.asCaller(READ)
          expect(rows[0]?.[0]?.toString()).toBe(`${project.ref} project_${project.ref}`)
          const seen = await scope.db.asCaller({
            ...READ,
            text: `select current_user || ' ' || (current_setting('request.jwt.claims')::json ->> 'sub')`,
          })
          expect(seen.rows[0]?.[0]?.toString()).toBe(`${role} ${sub}`)
        }),
      )
    }),
    { numRuns: 100 },
  )
})

test('the passwords of A open no database of B, and a scope of A has none of B', async () => {
  for (const login of ['owner', 'authenticator', 'platform', 'backup'] as const) {
    await expect(a.connect(login, `project_${b.ref}`), login).rejects.toMatchObject({ code: '28000' })
  }
  const scope = await a.scope('service_role')
  const token = scope.tokens.sign({ role: 'service_role', exp: 4_000_000_000 })
  expect(() => scope.tokens.verify(token)).not.toThrow()
  const ofB = await b.scope('service_role')
  expect(() => ofB.tokens.verify(token)).toThrow(expect.objectContaining({ code: 'access.jwt_invalid' }))
  expect(JSON.stringify(scope)).not.toContain(b.ref)
})
