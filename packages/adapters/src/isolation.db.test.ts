import { readdir } from 'node:fs/promises'
import { isServiceError, type DatabaseRole } from '@polder/core'
import type { OpenLogDatabase, ProjectScope } from '@polder/db'
import { openTestCluster, type TestCluster, type TestProject } from '@polder/db/testing'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

/** Leaves something that is made from a seed in a project, and says whether a project has it. */
interface Probe {
  write(project: ProjectScope, seed: string, surroundings: Surroundings): Promise<void>
  sees(project: ProjectScope, seed: string, surroundings: Surroundings): Promise<boolean>
}

/** Where a service keeps what is not in the project's database. */
interface Surroundings extends Pick<TestCluster, 'platform' | 'box'> {
  logs: OpenLogDatabase
}

/** Folders that are no service. */
const NO_SERVICES = new Set(['provisioning', 'outgoing', 'object-store'])

const folders = await readdir(new URL('.', import.meta.url), { withFileTypes: true })
const services = folders.filter((entry) => entry.isDirectory() && !NO_SERVICES.has(entry.name)).map(({ name }) => name)

async function loadProbe(service: string): Promise<Probe> {
  const { probe } = (await import(`./${service}/index.ts`)) as { probe?: Probe }
  if (!probe) throw new Error(`The service ${service} exports no probe: nothing would notice if it mixed up projects.`)
  return probe
}

let cluster: TestCluster
let alpha: TestProject
let beta: TestProject
let surroundings: Surroundings

beforeAll(async () => {
  cluster = await openTestCluster()
  ;[alpha, beta] = [await cluster.createProject(), await cluster.createProject()]
  surroundings = { platform: cluster.platform, box: cluster.box, logs: await cluster.openLogs() }
})
afterAll(async () => cluster?.[Symbol.asyncDispose]())

const texts = fc.tuple(fc.string({ unit: 'binary', maxLength: 200 }), fc.string({ unit: 'binary', maxLength: 200 }))
let written = 0

/** Text of Postgres has no NUL; everything else may be in a seed. The number keeps one run from finding what another wrote. */
function toSeed(text: string): string {
  return `${text.replaceAll('\0', '0').toWellFormed()} ${(written += 1)}`
}

test.each(services)('%s has a probe', async (service) => {
  expect(Object.keys(await loadProbe(service)).toSorted()).toEqual(['sees', 'write'])
})

describe('what one project writes, the other never sees', () => {
  test.each(services)('%s', { timeout: 120_000 }, async (service) => {
    const probe = await loadProbe(service)
    const [a, b] = await Promise.all([alpha.member('database.execute', 'owner'), beta.member('database.execute', 'owner')])
    await fc.assert(
      fc.asyncProperty(texts, async ([one, two]) => {
        const [ofAlpha, ofBeta] = [toSeed(one), toSeed(two)]
        await Promise.all([probe.write(a, ofAlpha, surroundings), probe.write(b, ofBeta, surroundings)])
        const sees = (project: ProjectScope, seed: string) => probe.sees(project, seed, surroundings)
        const seen = await Promise.all([sees(a, ofAlpha), sees(a, ofBeta), sees(b, ofAlpha), sees(b, ofBeta)])
        expect(seen).toEqual([true, false, false, true])
      }),
      { numRuns: 100, endOnFailure: true },
    )
  })
})

describe('what one project signs, the other never believes', () => {
  test('tokens with any claims, as bearer and as key', async () => {
    const [a, b] = [await alpha.scope('anon'), await beta.scope('anon')]
    const roles = fc.constantFrom<DatabaseRole>('anon', 'authenticated', 'service_role')
    const claims = fc.record(
      {
        sub: fc.uuid(),
        session_id: fc.uuid(),
        email: fc.emailAddress(),
        ref: fc.constantFrom(alpha.ref, beta.ref),
        iss: fc.constantFrom(a.tokens.issuer, b.tokens.issuer),
      },
      { requiredKeys: [] },
    )
    await fc.assert(
      fc.asyncProperty(roles, claims, async (role, more) => {
        const token = a.tokens.sign({ ...more, role, exp: Math.floor(Date.now() / 1000) + 600 })
        for (const apiKey of [beta.keys.anonKey, undefined, token]) {
          const access = cluster.router.validateProjectAccess(beta.ref, { kind: 'app', apiKey, authorization: `Bearer ${token}` })
          const error = await access.catch((refusal: unknown) => refusal)
          expect(isServiceError(error, 'access.jwt_invalid') || isServiceError(error, 'access.key_invalid')).toBe(true)
        }
      }),
      { numRuns: 200 },
    )
  })

  test('each key of each project opens its own project alone', async () => {
    for (const [own, other] of [
      [alpha, beta],
      [beta, alpha],
    ] as const) {
      for (const key of Object.values(own.keys)) {
        const open = (ref: string, authorization?: string) =>
          cluster.router.validateProjectAccess(ref, { kind: 'app', apiKey: key, authorization })
        expect((await open(own.ref)).ref).toBe(own.ref)
        await expect(open(other.ref)).rejects.toMatchObject({ code: 'access.key_invalid' })
        await expect(open(other.ref, `Bearer ${other.keys.anonKey}`)).rejects.toMatchObject({ code: 'access.key_invalid' })
      }
    }
  })
})
