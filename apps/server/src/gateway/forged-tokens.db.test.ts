import { projectRefSchema } from '@polder/core'
import {
  createSecretBox,
  insertSigningKey,
  makeSigningKey,
  openSigningKeys,
  selectProjectSecrets,
  selectSealedSigningKeys,
} from '@polder/db'
import { forgeTokens, type ForgedToken } from '@polder/db/testing'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createHttpServer } from '../http-server.ts'
import type { Services } from '../services.ts'
import { openTestServer, untilEnded, type TestServer } from '../testing/test-server.ts'

/** A request of each service; a new service gets a line. */
const SERVICES: { name: string; method: 'GET' | 'POST'; path: string }[] = [
  { name: 'auth', method: 'GET', path: '/auth/v1/user' },
  { name: 'auth admin', method: 'GET', path: '/auth/v1/admin/users' },
  { name: 'rest', method: 'GET', path: '/rest/v1/' },
  { name: 'storage', method: 'GET', path: '/storage/v1/bucket' },
  { name: 'realtime', method: 'POST', path: '/realtime/v1/api/broadcast' },
  { name: 'functions', method: 'POST', path: '/functions/v1/none' },
]

let server: TestServer
let services: Services
let app: FastifyInstance
let ref: string
let anonKey: string
let forged: ForgedToken[]

beforeAll(async () => {
  server = await openTestServer()
  services = await server.start()
  const { platform } = server.cluster
  const box = createSecretBox(server.masterKey)
  const owner = await server.createAccount('owner')
  ref = (await services.projects.create(owner.actor, { organizationId: server.cluster.organizationId, name: 'Forged' })).project.ref
  await untilEnded(server, ref)
  for (const [algorithm, status] of [
    ['ES256', 'standby'],
    ['RS256', 'previously_used'],
    ['ES256', 'revoked'],
  ] as const) {
    const key = { ...(await makeSigningKey(algorithm)), status, isImported: false }
    await insertSigningKey(platform, box, ref, key)
  }
  const secrets = await selectProjectSecrets(platform, box, ref)
  const keys = openSigningKeys(box, ref, await selectSealedSigningKeys(platform, ref), secrets)
  const find = (algorithm: string) => keys.find((key) => key.algorithm === algorithm && key.status !== 'revoked')!
  const issuer = `${services.config.http.publicUrl}/projects/${ref}/auth/v1`
  const revoked = keys.filter(({ status }) => status === 'revoked')
  forged = forgeTokens({ ref, issuer, secret: find('HS256'), elliptic: find('ES256'), rsa: find('RS256'), revoked })
  anonKey = (await services.projects.getConnection(ref)).anonKey
  app = await createHttpServer({ services, trustedProxies: null })
  await services.router.registerProject(projectRefSchema.parse(ref))
})
afterAll(async () => {
  await app?.close()
  await server?.[Symbol.asyncDispose]()
})

const HOWS = {
  'as token, beside the key': (token: string) => ({ apikey: anonKey, authorization: `Bearer ${token}` }),
  'as token alone': (token: string) => ({ authorization: `Bearer ${token}` }),
  'as key': (token: string) => ({ apikey: token }),
  'as key and token': (token: string) => ({ apikey: token, authorization: `Bearer ${token}` }),
}

test('there are more than 41', () => {
  expect(forged.length).toBeGreaterThan(41)
})

test.each(SERVICES)('$name believes no forged token, wherever it stands', async ({ method, path }) => {
  const answers: string[] = []
  for (const [name, token] of forged) {
    for (const [how, toHeaders] of Object.entries(HOWS)) {
      // no header may hold a line break, and an empty one is none at all
      if (token === '' && how.startsWith('as key')) continue
      const { statusCode, body } = await app.inject({ method, url: `/projects/${ref}${path}`, headers: toHeaders(token) })
      // Supabase's storage says it in the body of a 400.
      const isRefused = statusCode === 401 || statusCode === 403 || (statusCode === 400 && body.startsWith('{"statusCode":"403"'))
      if (!isRefused) answers.push(`${name}, ${how}: ${statusCode} ${body.slice(0, 200)}`)
    }
  }
  expect(answers).toEqual([])
})

test.each(SERVICES)('$name lets the genuine one past the check', async ({ method, path }) => {
  const { statusCode } = await app.inject({ method, url: `/projects/${ref}${path}`, headers: { apikey: anonKey } })
  expect(path.startsWith('/auth') ? [401, 403] : [200, 400, 404]).toContain(statusCode)
})
