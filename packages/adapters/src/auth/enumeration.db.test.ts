import type { ProjectScope } from '@polder/db'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createPasswordHasher, type PasswordHasher } from './password.ts'
import { client, openTestAuth, password, type TestAuth } from './testing/test-auth.ts'

/** What an answer made us do: hashes are what takes time, and round trips are what is left. */
const work = { hashes: 0, verifications: 0, transactions: 0 }
const real = createPasswordHasher()
const passwords: PasswordHasher = {
  ...real,
  hash: (...input) => ((work.hashes += 1), real.hash(...input)),
  verify: (...input) => ((work.verifications += 1), real.verify(...input)),
}
let at: TestAuth

beforeAll(async () => void (at = await openTestAuth({ passwords })))
beforeEach(() => at.reset())
afterAll(() => at?.[Symbol.asyncDispose]())

const counted = (): ProjectScope => {
  const scope = at.scopes.app()
  const asOwner: typeof scope.db.asOwner = (run) => {
    work.transactions += 1
    return scope.db.asOwner(run)
  }
  return { ...scope, db: { ...scope.db, asOwner } }
}

/** What the call answered, and what it took until it did; not what goes on in the background. */
async function observe(call: (project: ProjectScope) => Promise<unknown> | void) {
  await at.auth.settle()
  Object.assign(work, { hashes: 0, verifications: 0, transactions: 0 })
  const answer = await Promise.resolve()
    .then(() => call(counted()))
    .then(
      (value) => JSON.stringify(value) ?? 'nothing',
      (error: Error) => `${error.name}: ${error.message}`,
    )
  const took = { ...work }
  await at.auth.settle()
  return { answer, took }
}

describe('whether somebody is registered shows neither in the answer nor in the work for it', () => {
  const redirectTo = 'http://localhost:3000/'

  test.each<[string, (project: ProjectScope, email: string) => Promise<unknown> | void]>([
    ['a wrong password', (project, email) => at.auth.signIn(project, { email, password: 'wrong', client })],
    ['a forgotten password', (project, email) => at.auth.recover(project, { email, redirectTo, client })],
    ['a confirmation again', (project, email) => at.auth.resend(project, { type: 'signup', email, phone: '', redirectTo, client })],
    [
      'a change of address again',
      (project, email) => at.auth.resend(project, { type: 'email_change', email, phone: '', redirectTo, client }),
    ],
    [
      'a wrong code',
      (project, email) =>
        at.auth.verify(project, { type: 'email', token: '123456', tokenHash: '', email, phone: '', redirectTo: '', client }),
    ],
  ])('%s', async (_what, call) => {
    const { email: known } = await at.addUser()
    const { email: banned, id } = await at.addUser()
    await at.auth.updateUserById(at.scopes.member(), id, { banSeconds: 60 })
    const { email: without } = await at.auth.createUser(at.scopes.member(), { email: at.newEmail() })
    const unknown = await observe((project) => call(project, 'nobody@example.com'))
    for (const email of [known, without!]) expect(await observe((project) => call(project, email)), email).toEqual(unknown)
    if (_what !== 'a wrong code') expect(await observe((project) => call(project, banned))).toEqual(unknown)
  })

  test('a sign-up that is to be confirmed: as many hashes and round trips, and the members of the answer', async () => {
    const { email: known } = await at.addUser()
    const signUp = (email: string) => observe((project) => at.auth.signUp(project, { email, password, redirectTo, client }))
    const [one, two] = [await signUp(at.newEmail()), await signUp(known)]
    expect(two.took).toEqual(one.took)
    const shapeOf = (answer: string) => Object.keys(JSON.parse(answer).user).toSorted()
    expect(shapeOf(two.answer)).toEqual(shapeOf(one.answer))
  })
})
