import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openTestStage, PUBLIC_URL, refusal, type Person, type TestStage } from '../trpc/testing/test-stage.ts'
import { createRateLimits, RATE_LIMITS } from './rate-limits.ts'

let stage: TestStage
let owner: Person
let organizationId: string

beforeAll(async () => {
  stage = await openTestStage()
  owner = await stage.signUp('owner')
  organizationId = (await owner.call.organizations.create({ name: 'Waterschap' })).id
})
afterAll(() => stage[Symbol.asyncDispose]())

const invite = (name: string, role: 'administrator' | 'viewer' = 'viewer') =>
  owner.call.organizations.invite({ organizationId, email: `${name}@example.com`, role })

const gone = refusal('organization.invitation_not_found')

describe('an invitation', () => {
  test('shows its holder what it is for, and its organization that it is open, without the token', async () => {
    const { invitation, token, url } = await invite('shown')
    expect(token).toMatch(/^[\w-]{43}$/)
    expect(url).toBe(`${PUBLIC_URL}/invitations/${token}`)
    expect(Number(invitation.expiresAt) - Number(invitation.createdAt)).toBeCloseTo(72 * 3_600_000, -5)
    expect(await stage.visit().call.organizations.findInvitation({ token })).toEqual({
      organizationName: 'Waterschap',
      email: 'shown@example.com',
      role: 'viewer',
      hasAccount: false,
    })
    const listed = await owner.call.organizations.listInvitations({ organizationId })
    expect(listed).toMatchObject([{ email: 'shown@example.com', invitedBy: owner.email }])
    expect(JSON.stringify(listed)).not.toContain(token)
  })

  test('makes the one it is for a member, once', async () => {
    const person = await stage.signUp('joining')
    const { token } = await invite('joining', 'administrator')
    expect(await person.call.organizations.acceptInvitation({ token })).toMatchObject({
      id: organizationId,
      role: 'administrator',
      memberCount: 2,
    })
    await expect(person.call.organizations.acceptInvitation({ token })).rejects.toMatchObject(gone)
    await expect(invite('joining')).rejects.toMatchObject(refusal('organization.member_exists'))
  })

  test('accepted many times at once is accepted once', async () => {
    const person = await stage.signUp('eager')
    const { token } = await invite('eager')
    const tries = await Promise.allSettled(Array.from({ length: 10 }, () => person.call.organizations.acceptInvitation({ token })))
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const accepted = await stage.cluster.platform
      .selectFrom('audit_log')
      .select('id')
      .where('action', '=', 'invitation.accept')
      .where('actor', '=', person.email)
      .execute()
    expect(accepted).toHaveLength(1)
  })

  test('accepted and revoked at once is one of the two', async () => {
    for (let round = 0; round < 10; round++) {
      const person = await stage.signUp(`torn${round}`)
      const { invitation, token } = await invite(`torn${round}`)
      const [accepted, revoked] = await Promise.allSettled([
        person.call.organizations.acceptInvitation({ token }),
        owner.call.organizations.revokeInvitation({ organizationId, invitationId: invitation.id }),
      ])
      expect([accepted?.status, revoked?.status].toSorted()).toEqual(['fulfilled', 'rejected'])
    }
  })

  test('is worthless to another account, and stays good for the right one', async () => {
    const [right, wrong] = [await stage.signUp('right'), await stage.signUp('wrong')]
    const { token } = await invite('right')
    await expect(wrong.call.organizations.acceptInvitation({ token })).rejects.toMatchObject(refusal('organization.invitation_other_email'))
    await expect(stage.visit().call.organizations.acceptInvitation({ token })).rejects.toMatchObject(refusal('access.unauthenticated'))
    await expect(right.call.organizations.acceptInvitation({ token })).resolves.toMatchObject({ role: 'viewer' })
  })

  test('of a member is refused and not used up', async () => {
    const person = await stage.signUp('already')
    const { token } = await invite('already')
    await stage.cluster.platform
      .insertInto('members')
      .values({ organization_id: organizationId, account_id: person.account.accountId, role: 'viewer' })
      .execute()
    await expect(person.call.organizations.acceptInvitation({ token })).rejects.toMatchObject(refusal('organization.member_exists'))
    expect(await stage.visit().call.organizations.findInvitation({ token })).toMatchObject({ email: person.email })
  })

  test('ends after 72 hours, when it is revoked, and when a newer one replaces it', async () => {
    const person = await stage.signUp('waiting')
    const first = await invite('waiting')
    const second = await invite('waiting')
    await expect(person.call.organizations.acceptInvitation({ token: first.token })).rejects.toMatchObject(gone)
    await owner.call.organizations.revokeInvitation({ organizationId, invitationId: second.invitation.id })
    await expect(owner.call.organizations.revokeInvitation({ organizationId, invitationId: second.invitation.id })).rejects.toMatchObject(
      gone,
    )
    await expect(person.call.organizations.acceptInvitation({ token: second.token })).rejects.toMatchObject(gone)
    const third = await invite('waiting')
    await stage.cluster.platform
      .updateTable('invitations')
      .set({ expires_at: new Date(Date.now() - 1) })
      .where('id', '=', third.invitation.id)
      .execute()
    await expect(person.call.organizations.acceptInvitation({ token: third.token })).rejects.toMatchObject(gone)
  })

  test('to a role above one’s own can be neither revoked nor replaced', async () => {
    const administrator = await stage.signUp('limited')
    const accepted = await invite('limited', 'administrator')
    await administrator.call.organizations.acceptInvitation({ token: accepted.token })
    const input = { organizationId, email: 'chief@example.com' }
    const { invitation, token } = await owner.call.organizations.invite({ ...input, role: 'owner' })
    for (const attempt of [
      () => administrator.call.organizations.revokeInvitation({ organizationId, invitationId: invitation.id }),
      () => administrator.call.organizations.invite({ ...input, role: 'viewer' }),
    ]) {
      await expect(attempt()).rejects.toMatchObject(refusal('organization.role_above_own'))
    }
    expect(await stage.visit().call.organizations.findInvitation({ token })).toMatchObject({ role: 'owner' })
  })

  test('of one organization cannot be revoked by way of another', async () => {
    const other = await stage.signUp('elsewhere')
    const [home] = await other.call.organizations.list()
    const { invitation } = await invite('untouched')
    await expect(
      other.call.organizations.revokeInvitation({ organizationId: String(home?.id), invitationId: invitation.id }),
    ).rejects.toMatchObject(gone)
  })

  test('cannot be had from a copy of the table', async () => {
    const { token } = await invite('stolen')
    const row = await stage.cluster.platform
      .selectFrom('invitations')
      .select('token_hash')
      .where('email', '=', 'stolen@example.com')
      .executeTakeFirstOrThrow()
    expect(row.token_hash.toString('utf8')).not.toContain(token)
    for (const stolen of [row.token_hash.toString('hex'), row.token_hash.toString('base64url')]) {
      await expect(stage.visit().call.organizations.findInvitation({ token: stolen })).rejects.toMatchObject(gone)
    }
  })

  test.each(['', 'x'.repeat(201), '\u0000', '\ud800', '../../etc', "' or 1=1 --"])('is not found by %j, without harm', async (token) => {
    const error = await stage
      .visit()
      .call.organizations.findInvitation({ token })
      .catch((cause) => cause.cause.code)
    expect(['organization.invitation_not_found', 'request.invalid']).toContain(error)
  })
})

test('guesses are limited by network, and say when to try again', async () => {
  await using limited = await openTestStage({ limits: createRateLimits({ ...RATE_LIMITS, invitationByIp: { points: 5, seconds: 60 } }) })
  const guess = (ip: string) =>
    limited
      .visit(null, ip)
      .call.organizations.findInvitation({ token: 'guess' })
      .catch((error) => error.cause)
  for (let round = 0; round < 5; round++) expect((await guess('2001:db8::1')).code).toBe('organization.invitation_not_found')
  const refused = await guess('2001:db8::ffff')
  expect(refused).toMatchObject({ code: 'request.rate_limited', details: { retryAfterSeconds: expect.any(Number) } })
  expect((await guess('2001:db8:0:1::1')).code).toBe('organization.invitation_not_found')
})
