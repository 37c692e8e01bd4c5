import type { MemberRole } from '@polder/core'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openTestStage, refusal, type Person, type TestStage } from '../trpc/testing/test-stage.ts'

let stage: TestStage
let owner: Person
const people = {} as Record<'second' | 'administrator' | 'developer' | 'viewer' | 'outsider', Person>
let organizationId: string

beforeAll(async () => {
  stage = await openTestStage()
  owner = await stage.signUp('owner')
  for (const name of ['second', 'administrator', 'developer', 'viewer', 'outsider'] as const) people[name] = await stage.signUp(name)
  organizationId = (await owner.call.organizations.create({ name: 'Waterschap' })).id
  await setRole(people.second, 'owner')
  for (const role of ['administrator', 'developer', 'viewer'] as const) await setRole(people[role], role)
})
afterAll(() => stage[Symbol.asyncDispose]())

const idOf = (person: Person) => person.account.accountId

/** Puts a person into a role, past every rule. */
async function setRole(person: Person, role: MemberRole, organization = organizationId): Promise<void> {
  await stage.cluster.platform
    .insertInto('members')
    .values({ organization_id: organization, account_id: idOf(person), role })
    .onConflict((conflict) => conflict.columns(['organization_id', 'account_id']).doUpdateSet({ role }))
    .execute()
}

const owners = async (organization = organizationId) =>
  (
    await stage.cluster.platform
      .selectFrom('members')
      .select('account_id')
      .where('organization_id', '=', organization)
      .where('role', '=', 'owner')
      .execute()
  ).length

describe('owners', () => {
  test('who demote each other 100 times at once leave one', async () => {
    for (let round = 0; round < 100; round++) {
      await setRole(owner, 'owner')
      await setRole(people.second, 'owner')
      const tries = await Promise.allSettled([
        owner.call.organizations.updateMember({ organizationId, accountId: idOf(people.second), role: 'viewer' }),
        people.second.call.organizations.updateMember({ organizationId, accountId: idOf(owner), role: 'viewer' }),
      ])
      expect(tries.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
      expect(await owners()).toBe(1)
    }
  })

  test('who demote themselves, leave, or remove each other at once leave one', async () => {
    const leaving = [
      (person: Person) => person.call.organizations.leave({ organizationId }),
      (person: Person) => person.call.organizations.updateMember({ organizationId, accountId: idOf(person), role: 'developer' }),
      (person: Person) => person.call.organizations.removeMember({ organizationId, accountId: idOf(person) }),
      (person: Person) =>
        person.call.organizations.removeMember({ organizationId, accountId: idOf(person === owner ? people.second : owner) }),
    ]
    for (const one of leaving) {
      for (const other of leaving) {
        await setRole(owner, 'owner')
        await setRole(people.second, 'owner')
        await Promise.allSettled([one(owner), other(people.second)])
        expect(await owners()).toBeGreaterThanOrEqual(1)
      }
    }
    await setRole(owner, 'owner')
    await setRole(people.second, 'owner')
  })

  test('the last one can neither leave, nor be demoted or removed', async () => {
    const { id } = await owner.call.organizations.create({ name: 'Alone' })
    const self = { organizationId: id, accountId: idOf(owner) }
    await setRole(people.administrator, 'administrator', id)
    await expect(owner.call.organizations.leave({ organizationId: id })).rejects.toMatchObject(refusal('organization.last_owner'))
    await expect(owner.call.organizations.removeMember(self)).rejects.toMatchObject(refusal('organization.last_owner'))
    await expect(owner.call.organizations.updateMember({ ...self, role: 'viewer' })).rejects.toMatchObject(
      refusal('organization.last_owner'),
    )
    await expect(owner.call.organizations.updateMember({ ...self, role: 'owner' })).resolves.toMatchObject({ role: 'owner' })
    for (const attempt of [
      () => people.administrator.call.organizations.updateMember({ ...self, role: 'viewer' }),
      () => people.administrator.call.organizations.removeMember(self),
    ]) {
      await expect(attempt()).rejects.toMatchObject(refusal('organization.role_above_own'))
    }
    expect(await owners(id)).toBe(1)
  })
})

describe('roles', () => {
  test('nobody grants, changes or removes one above their own', async () => {
    const { call } = people.administrator
    const target = { organizationId, accountId: idOf(people.viewer) }
    await expect(call.organizations.updateMember({ ...target, role: 'owner' })).rejects.toMatchObject(
      refusal('organization.role_above_own'),
    )
    await expect(
      call.organizations.updateMember({ organizationId, accountId: idOf(people.administrator), role: 'owner' }),
    ).rejects.toMatchObject(refusal('organization.role_above_own'))
    await expect(call.organizations.invite({ organizationId, email: 'boss@example.com', role: 'owner' })).rejects.toMatchObject(
      refusal('organization.role_above_own'),
    )
    await expect(call.organizations.updateMember({ ...target, role: 'developer' })).resolves.toMatchObject({ role: 'developer' })
    await expect(call.organizations.updateMember({ ...target, role: 'viewer' })).resolves.toMatchObject({ role: 'viewer' })
  })

  test('a stranger’s id, and an id of nobody, are no members', async () => {
    for (const accountId of [idOf(people.outsider), crypto.randomUUID()]) {
      await expect(owner.call.organizations.updateMember({ organizationId, accountId, role: 'viewer' })).rejects.toMatchObject(
        refusal('organization.member_not_found'),
      )
      await expect(owner.call.organizations.removeMember({ organizationId, accountId })).rejects.toMatchObject(
        refusal('organization.member_not_found'),
      )
    }
  })

  test('a removed member can do nothing more at once, and what they opened is told to close', async () => {
    const leaver = await stage.signUp('leaver')
    await setRole(leaver, 'administrator')
    const { token } = await leaver.call.organizations.invite({ organizationId, email: 'late@example.com', role: 'administrator' })
    stage.published.length = 0
    await owner.call.organizations.removeMember({ organizationId, accountId: idOf(leaver) })
    await expect(leaver.call.organizations.get({ organizationId })).rejects.toMatchObject(refusal('organization.not_found'))
    expect(stage.published).toEqual([{ type: 'access_changed', accountId: idOf(leaver) }])
    // What they had handed out does not outlive them.
    await expect(stage.visit().call.organizations.findInvitation({ token })).rejects.toMatchObject(
      refusal('organization.invitation_not_found'),
    )
  })

  test('one who is demoted takes their invitations above the new role back', async () => {
    const sinking = await stage.signUp('sinking')
    await setRole(sinking, 'owner')
    const invited = await Promise.all(
      (['owner', 'administrator', 'viewer'] as const).map((role) =>
        sinking.call.organizations.invite({ organizationId, email: `${role}.of.sinking@example.com`, role }),
      ),
    )
    await owner.call.organizations.updateMember({ organizationId, accountId: idOf(sinking), role: 'administrator' })
    const found = await Promise.allSettled(invited.map(({ token }) => stage.visit().call.organizations.findInvitation({ token })))
    expect(found.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled'])
    await owner.call.organizations.removeMember({ organizationId, accountId: idOf(sinking) })
  })
})

describe('an organization', () => {
  test('that is not one’s own and one that is not there are the same', async () => {
    const answers = await Promise.all(
      [organizationId, crypto.randomUUID()].map((id) =>
        people.outsider.call.organizations.get({ organizationId: id }).then(
          () => 'found',
          (error) => JSON.stringify([error.code, error.message, error.cause.code, error.cause.details ?? null]),
        ),
      ),
    )
    expect(answers[0]).toBe(answers[1])
    expect(answers[0]).toContain('organization.not_found')
  })

  test('is deleted only when it is empty', async () => {
    const { id } = await owner.call.organizations.create({ name: 'Full' })
    const project = { ref: 'abcdefghijklmnopqrst', organization_id: id, cluster_id: stage.cluster.clusterId, name: 'One' }
    await stage.cluster.platform
      .insertInto('projects')
      .values({ ...project, status: 'failed', database_name: 'project_x' })
      .execute()
    await expect(owner.call.organizations.delete({ organizationId: id })).rejects.toMatchObject(refusal('organization.not_empty'))
    expect(await owner.call.organizations.get({ organizationId: id })).toMatchObject({ projectCount: 1 })
    await stage.cluster.platform.deleteFrom('projects').where('ref', '=', project.ref).execute()
    await owner.call.organizations.delete({ organizationId: id })
    await expect(owner.call.organizations.get({ organizationId: id })).rejects.toMatchObject(refusal('organization.not_found'))
    const trace = await stage.cluster.platform
      .selectFrom('audit_log')
      .selectAll()
      .where('action', '=', 'organization.delete')
      .executeTakeFirst()
    expect(trace).toMatchObject({ target: id, actor: owner.email, organization_id: null })
  })

  test('has a log that pages without gap or repeat', async () => {
    const { id } = await owner.call.organizations.create({ name: 'Logged' })
    for (let round = 1; round < 7; round++) await owner.call.organizations.rename({ organizationId: id, name: `Logged ${round}` })
    const seen: string[] = []
    let before: string | undefined
    do {
      const page = await owner.call.organizations.listAuditEntries({ organizationId: id, limit: 3, before })
      seen.push(...page.entries.map((entry) => entry.id))
      before = page.next ?? undefined
    } while (before !== undefined)
    expect(seen).toHaveLength(7)
    expect(seen).toEqual([...new Set(seen)].toSorted((one, other) => Number(other) - Number(one)))
    const page = await owner.call.organizations.listAuditEntries({ organizationId: id })
    expect(page.entries[0]).toMatchObject({ actor: owner.email, action: 'organization.update', ip: '192.0.2.1', requestId: 'request-1' })
    for (const bad of ['-1', '1e9', '99999999999999999999', "1' or true", '']) {
      await expect(owner.call.organizations.listAuditEntries({ organizationId: id, before: bad })).rejects.toMatchObject(
        refusal('request.invalid'),
      )
    }
  })

  test('property: any name comes back as it was given, or is refused as invalid', async () => {
    const hostile = fc.oneof(
      fc.constantFrom(
        "'; drop table accounts; --",
        '$$',
        '\\',
        '%s',
        '__proto__',
        'constructor',
        '👩‍👩‍👧',
        '\u202eevil',
        'a\u200bb',
        '\u0000',
        '\ud800',
        '-rf',
        'ＳＥＬＥＣＴ',
      ),
      fc.string({ unit: 'binary', maxLength: 120 }),
      fc.string({ unit: 'grapheme', maxLength: 60 }),
    )
    await fc.assert(
      fc.asyncProperty(hostile, async (name) => {
        const renamed = await owner.call.organizations.rename({ organizationId, name }).catch((error) => error.cause.code as string)
        if (typeof renamed === 'string') expect(renamed).toBe('request.invalid')
        else expect(renamed.name).toBe(name.trim())
      }),
      { numRuns: 150 },
    )
    expect(stage.observed).toEqual([])
  })
})
