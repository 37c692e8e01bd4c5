import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openTestStage, refusal, type Person, type StageCaller, type TestStage } from '../trpc/testing/test-stage.ts'

let stage: TestStage
let person: Person
let home: string
let other: string

beforeAll(async () => {
  stage = await openTestStage()
  await stage.signUp('first')
  person = await stage.signUp('scripter')
  home = String((await person.call.organizations.list())[0]?.id)
  other = (await person.call.organizations.create({ name: 'Other' })).id
  await stage.cluster.platform
    .insertInto('projects')
    .values({
      ref: 'homeproject',
      organization_id: home,
      cluster_id: stage.cluster.clusterId,
      name: 'Home',
      status: 'active',
      database_name: 'project_home',
    })
    .execute()
})
afterAll(() => stage[Symbol.asyncDispose]())

type TokenInput = Parameters<StageCaller['account']['createToken']>[0]

async function withToken(input: Partial<TokenInput>): Promise<StageCaller> {
  const { token } = await person.call.account.createToken({ name: 'script', access: 'write', ...input } as TokenInput)
  return (await stage.return(token)).call
}

describe('an access token', () => {
  test('is shown once, and stored as a hash', async () => {
    const { token, accessToken } = await person.call.account.createToken({ name: 'shown', access: 'write', expiresInDays: 30 })
    expect(token).toMatch(/^plr_[0-9a-f]{40}$/)
    expect(accessToken).toMatchObject({
      name: 'shown',
      prefix: token.slice(0, 10),
      access: 'write',
      organizationId: null,
      projectRefs: null,
    })
    expect(Math.round((Number(accessToken.expiresAt) - Date.now()) / 86_400_000)).toBe(30)
    expect(JSON.stringify(await person.call.account.listTokens())).not.toContain(token)
    const row = await stage.cluster.platform
      .selectFrom('access_tokens')
      .selectAll()
      .where('id', '=', accessToken.id)
      .executeTakeFirstOrThrow()
    expect(JSON.stringify(row)).not.toContain(token.slice(10))
    for (const stolen of [row.token_hash.toString('hex'), `plr_${row.token_hash.toString('base64url')}`]) {
      expect(await stage.services.accounts.findToken(stolen)).toBeNull()
    }
  })

  test('ends when it expires or is revoked; nobody else can revoke it', async () => {
    const made = await person.call.account.createToken({ name: 'ending', access: 'read', expiresInDays: 1 })
    const stranger = await stage.signUp('stranger')
    await expect(stranger.call.account.revokeToken({ id: made.accessToken.id })).rejects.toMatchObject(refusal('account.token_not_found'))
    expect((await stage.return(made.token)).context.account?.email).toBe(person.email)
    await stage.cluster.platform
      .updateTable('access_tokens')
      .set({ expires_at: new Date(Date.now() - 1) })
      .where('id', '=', made.accessToken.id)
      .execute()
    expect((await stage.return(made.token)).context.account).toBeNull()
    const { token, accessToken } = await person.call.account.createToken({ name: 'revoked', access: 'read' })
    await person.call.account.revokeToken({ id: accessToken.id })
    expect((await stage.return(token)).context.account).toBeNull()
    await expect(person.call.account.revokeToken({ id: accessToken.id })).rejects.toMatchObject(refusal('account.token_not_found'))
  })

  test('notes its last use at most once a minute', async () => {
    const { token, accessToken } = await person.call.account.createToken({ name: 'noted', access: 'read' })
    const lastUsed = async () => (await person.call.account.listTokens()).find(({ id }) => id === accessToken.id)?.lastUsedAt
    expect(await lastUsed()).toBeNull()
    await stage.return(token)
    const first = await lastUsed()
    expect(first).toBeInstanceOf(Date)
    await stage.return(token)
    expect(await lastUsed()).toEqual(first)
  })

  test('cannot do what only the person may: tokens, sessions, password, name, invitations', async () => {
    const call = await withToken({})
    const forbidden = refusal('access.forbidden')
    await expect(call.account.createToken({ name: 'child', access: 'write' })).rejects.toMatchObject(forbidden)
    await expect(call.account.revokeToken({ id: crypto.randomUUID() })).rejects.toMatchObject(forbidden)
    await expect(call.account.listTokens()).rejects.toMatchObject(forbidden)
    await expect(call.account.listSessions()).rejects.toMatchObject(forbidden)
    await expect(call.account.revokeOtherSessions({})).rejects.toMatchObject(forbidden)
    await expect(call.account.update({ name: 'Renamed' })).rejects.toMatchObject(forbidden)
    await expect(call.account.changePassword({ currentPassword: person.password, newPassword: 'a whole new one' })).rejects.toMatchObject(
      forbidden,
    )
    await expect(call.account.signOut({})).rejects.toMatchObject(forbidden)
    await expect(call.organizations.acceptInvitation({ token: 'x' })).rejects.toMatchObject(forbidden)
    await expect(call.account.get()).resolves.toMatchObject({ email: person.email })
  })

  test('that reads changes nothing', async () => {
    const call = await withToken({ access: 'read' })
    await expect(call.organizations.get({ organizationId: home })).resolves.toMatchObject({ id: home })
    await expect(call.organizations.listAuditEntries({ organizationId: home })).resolves.toBeTruthy()
    await expect(call.organizations.rename({ organizationId: home, name: 'X' })).rejects.toMatchObject(refusal('access.forbidden'))
    await expect(call.organizations.create({ name: 'X' })).rejects.toMatchObject(refusal('access.forbidden'))
  })

  test('of one organization sees no other', async () => {
    const call = await withToken({ organizationId: home })
    expect((await call.organizations.list()).map(({ id }) => id)).toEqual([home])
    await expect(call.organizations.get({ organizationId: other })).rejects.toMatchObject(refusal('organization.not_found'))
    await expect(call.organizations.rename({ organizationId: other, name: 'X' })).rejects.toMatchObject(refusal('organization.not_found'))
    await expect(call.organizations.rename({ organizationId: home, name: 'Renamed' })).resolves.toMatchObject({ name: 'Renamed' })
    await expect(call.organizations.create({ name: 'X' })).rejects.toMatchObject(refusal('access.forbidden'))
  })

  test('of some projects sees their organization and nothing else of it', async () => {
    const call = await withToken({ projectRefs: ['homeproject'] as never })
    expect((await call.organizations.list()).map(({ id }) => id)).toEqual([home])
    await expect(call.organizations.get({ organizationId: home })).resolves.toMatchObject({ id: home })
    await expect(call.organizations.get({ organizationId: other })).rejects.toMatchObject(refusal('organization.not_found'))
    await expect(call.organizations.listMembers({ organizationId: home })).rejects.toMatchObject(refusal('access.forbidden'))
    await expect(call.organizations.delete({ organizationId: home })).rejects.toMatchObject(refusal('access.forbidden'))
  })

  test('is not made for what the account does not have', async () => {
    const foreign = String((await (await stage.signUp('foreigner')).call.organizations.list())[0]?.id)
    const make = (input: object) => person.call.account.createToken({ name: 'x', access: 'read', ...input })
    for (const organizationId of [foreign, crypto.randomUUID()]) {
      await expect(make({ organizationId })).rejects.toMatchObject(refusal('organization.not_found'))
    }
    for (const ref of ['nosuchproject', 'homeproject']) {
      await expect(make({ organizationId: other, projectRefs: [ref] })).rejects.toMatchObject(refusal('project.not_found'))
    }
    await expect(make({ name: 'line\nbreak' })).rejects.toMatchObject(refusal('request.invalid'))
    await expect(make({ expiresInDays: 0 })).rejects.toMatchObject(refusal('request.invalid'))
    await expect(make({ projectRefs: ['homeproject', 'homeproject'] })).resolves.toBeTruthy()
  })

  test('cannot be made without end, also not all at once', async () => {
    const hoarder = await stage.signUp('hoarder')
    const tries = await Promise.allSettled(
      Array.from({ length: 105 }, (_, index) => hoarder.call.account.createToken({ name: `token ${index}`, access: 'read' })),
    )
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(100)
    await expect(hoarder.call.account.createToken({ name: 'one more', access: 'read' })).rejects.toMatchObject(
      refusal('account.token_limit'),
    )
  })
})
