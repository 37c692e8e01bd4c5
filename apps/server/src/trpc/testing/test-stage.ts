import type { Observation } from '@polder/core'
import type { PublishedEvent } from '@polder/db'
import { openTestCluster, type TestCluster } from '@polder/db/testing'
import type { SignedIn } from '../../access/studio-session.ts'
import { createAccounts, type AccountsOptions } from '../../platform/accounts.ts'
import { createInstallation } from '../../platform/installation.ts'
import { createOrganizations } from '../../platform/organizations.ts'
import { createPasswords } from '../../platform/passwords.ts'
import { createRateLimits, RATE_LIMITS, type RateLimitName } from '../../platform/rate-limits.ts'
import type { Services } from '../../services.ts'
import type { Context } from '../context.ts'
import { accountRouter } from '../routers/account.ts'
import { installationRouter } from '../routers/installation.ts'
import { organizationsRouter } from '../routers/organizations.ts'
import { createCallerFactory, router } from '../trpc.ts'

/** The routers of accounts and organizations alone. */
export const stageRouter = router({ installation: installationRouter, account: accountRouter, organizations: organizationsRouter })

const createCaller = createCallerFactory(stageRouter)

export type StageCaller = ReturnType<typeof createCaller>

/** Somebody who signed up, and can be asked to do things. */
export interface Person {
  email: string
  password: string
  account: SignedIn
  /** What the browser's cookie holds. */
  sessionId: string
  call: StageCaller
}

/** A visit: one context, and what its answers did to the browser's cookie. */
export interface Visit {
  call: StageCaller
  context: Context
  /** Undefined: untouched; null: taken away. */
  cookie(): string | null | undefined
}

export interface TestStage extends AsyncDisposable {
  cluster: TestCluster
  services: Services
  observed: Observation[]
  published: PublishedEvent[]
  visit(account?: SignedIn | null, ip?: string): Visit
  signUp(name: string, options?: { invitationToken?: string }): Promise<Person>
  /** As by the cookie or token, looked up anew. */
  return(sessionIdOrToken: string): Promise<Visit>
}

export const PUBLIC_URL = 'http://localhost:8000'

export const PASSWORD = 'correct pony battery'

/** Wide enough for races; the limits themselves have tests of their own. */
const WIDE = Object.fromEntries(Object.keys(RATE_LIMITS).map((name) => [name, { points: 100_000, seconds: 60 }])) as Record<
  RateLimitName,
  { points: number; seconds: number }
>

/** Accounts and organizations on a platform database of their own, called as tRPC calls them. */
export async function openTestStage(options: Partial<AccountsOptions> = {}): Promise<TestStage> {
  const cluster = await openTestCluster()
  const observed: Observation[] = []
  const published: PublishedEvent[] = []
  const parts = {
    platform: cluster.platform,
    events: { publish: async (event: PublishedEvent) => void published.push(event) },
    publicUrl: PUBLIC_URL,
    limits: createRateLimits(WIDE),
    passwords: createPasswords({ cost: { memoryKib: 64, passes: 1, lanes: 1 } }),
    ...options,
  }
  const services = {
    platform: cluster.platform,
    router: cluster.router,
    accounts: createAccounts(parts),
    organizations: createOrganizations(parts),
    installation: createInstallation({ platform: cluster.platform, version: '0.0.0-test' }),
    observe: (observation: Observation) => void observed.push(observation),
  } as unknown as Services

  function visit(account: SignedIn | null = null, ip = '192.0.2.1'): Visit {
    let cookie: string | null | undefined
    const context: Context = {
      services,
      account,
      refusal: null,
      request: { id: 'request-1', ip, userAgent: 'test', origin: null },
      setSessionCookie: (sessionId) => (cookie = sessionId),
    }
    return { call: createCaller(context), context, cookie: () => cookie }
  }

  async function findAccount(proof: string): Promise<SignedIn | null> {
    return proof.startsWith('plr_') ? services.accounts.findToken(proof) : services.accounts.findSession(proof)
  }

  return {
    cluster,
    services,
    observed,
    published,
    visit,
    return: async (proof) => visit(await findAccount(proof)),
    async signUp(name, input = {}) {
      const email = `${name}@example.com`
      const door = visit()
      await door.call.account.signUp({ email, password: PASSWORD, name, ...input })
      const sessionId = String(door.cookie())
      const account = (await findAccount(sessionId)) as SignedIn
      return { email, password: PASSWORD, account, sessionId, call: visit(account).call }
    },
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  }
}

/** Matches the error of a call by its code. */
export function refusal(serviceCode: string): object {
  return { cause: { code: serviceCode } }
}
