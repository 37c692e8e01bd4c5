import { createDatabaseAdapter } from '@polder/adapters/database'
import type { MemberRole } from '@polder/core'
import { selectAuditEntries } from '@polder/db'
import type { TestProject } from '@polder/db/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Services } from '../../services.ts'
import { openTestStage, refusal, type Person, type TestStage } from '../testing/test-stage.ts'
import { createCallerFactory, router } from '../trpc.ts'
import { databaseRouter } from './database.ts'

const createCaller = createCallerFactory(router({ database: databaseRouter }))

let stage: TestStage
let project: TestProject
let beta: TestProject
let developer: ReturnType<typeof createCaller>['database']
let viewer: typeof developer
let stranger: typeof developer

beforeAll(async () => {
  stage = await openTestStage()
  ;[project, beta] = [await stage.cluster.createProject(), await stage.cluster.createProject()]
  const database = createDatabaseAdapter({ onSchemaChanged: () => undefined, observe: () => undefined })
  const services = { ...stage.services, adapters: { database } } as unknown as Services
  const open = async (name: string, role?: MemberRole) => {
    const person: Person = await stage.signUp(name)
    const { accountId } = person.account
    if (role)
      await stage.cluster.platform
        .insertInto('members')
        .values({ organization_id: stage.cluster.organizationId, account_id: accountId, role })
        .execute()
    return createCaller({ ...stage.visit(person.account).context, services }).database
  }
  developer = await open('developer', 'developer')
  viewer = await open('viewer', 'viewer')
  stranger = await open('stranger')
})
afterAll(() => stage?.[Symbol.asyncDispose]())

const audit = () => selectAuditEntries(stage.cluster.platform, { ref: project.ref, limit: 50 })

describe('runSql', () => {
  test('runs, and the audit log tells of it without its text', async () => {
    const sql = `create table customers (secret text); insert into customers values ('hunter2'), ('hunter3')`
    const run = await developer.runSql({ projectRef: project.ref, sql })
    expect(run).toMatchObject({ failure: null, commands: { 'CREATE TABLE': 1, INSERT: 1 } })
    const [entry] = await audit()
    expect(entry).toMatchObject({
      action: 'database.execute',
      actor: 'developer@example.com',
      ref: project.ref,
      requestId: 'request-1',
      details: { characters: sql.length, commands: { 'CREATE TABLE': 1, INSERT: 1 }, sqlState: null },
    })
    expect(JSON.stringify(entry)).not.toContain('hunter')
    expect(JSON.stringify(entry)).not.toContain('customers')
  })

  test('a failure is an answer, and noted too', async () => {
    const { failure } = await developer.runSql({ projectRef: project.ref, sql: `select 'hunter4'::int` })
    expect(failure).toMatchObject({ sqlState: '22P02', line: 1, column: 8 })
    const [entry] = await audit()
    expect(entry?.details).toMatchObject({ sqlState: '22P02' })
    expect(JSON.stringify(entry)).not.toContain('hunter4')
  })

  test('viewers may look only', async () => {
    const before = await audit()
    await expect(viewer.runSql({ projectRef: project.ref, sql: 'drop table customers' })).rejects.toMatchObject(refusal('access.forbidden'))
    expect((await viewer.listTables({ projectRef: project.ref })).map(({ name }) => name)).toContain('customers')
    expect((await viewer.listRows({ projectRef: project.ref, schema: 'public', table: 'customers' })).total).toBe(2)
    expect(await audit()).toEqual(before)
  })

  test('viewers get no rows of the platform’s schemas', async () => {
    await expect(viewer.listRows({ projectRef: project.ref, schema: 'auth', table: 'users' })).rejects.toMatchObject(
      refusal('access.forbidden'),
    )
  })
})

describe('every procedure', () => {
  const calls: [string, (who: typeof developer, projectRef: string) => Promise<unknown>][] = [
    ['runSql', (who, projectRef) => who.runSql({ projectRef, sql: 'select 1' })],
    ['listSchemas', (who, projectRef) => who.listSchemas({ projectRef })],
    ['listTables', (who, projectRef) => who.listTables({ projectRef })],
    ['listRows', (who, projectRef) => who.listRows({ projectRef, schema: 'public', table: 'customers' })],
    ['getSize', (who, projectRef) => who.getSize({ projectRef })],
  ]

  test.each(calls)('%s: a project that is not yours is not there', async (_name, call) => {
    await expect(call(stranger, project.ref)).rejects.toMatchObject(refusal('project.not_found'))
    await expect(call(developer, 'notaprojectatallxxxx')).rejects.toMatchObject(refusal('project.not_found'))
  })

  test.each(calls)('%s: a name that cannot be a ref is a wrong request', async (_name, call) => {
    for (const ref of ['', '../x', 'A', "x'; drop", 'x'.repeat(500), '\0', '😀'])
      await expect(call(developer, ref)).rejects.toMatchObject({ code: expect.stringMatching(/^(?:BAD_REQUEST|NOT_FOUND)$/) })
  })

  test('runs in the project that was named, and in no other', async () => {
    await developer.runSql({ projectRef: beta.ref, sql: 'create table only_in_beta (id int)' })
    expect((await developer.listTables({ projectRef: project.ref })).map(({ name }) => name)).not.toContain('only_in_beta')
    expect((await developer.listTables({ projectRef: beta.ref })).map(({ name }) => name)).toEqual(['only_in_beta'])
  })
})

describe('wrong input', () => {
  const inputs: [string, keyof typeof developer, Record<string, unknown>][] = [
    ['no SQL', 'runSql', {}],
    ['empty SQL', 'runSql', { sql: '' }],
    ['SQL of a wrong type', 'runSql', { sql: ['select 1'] }],
    ['SQL with NUL', 'runSql', { sql: 'select \0' }],
    ['half a surrogate pair', 'runSql', { sql: "select '\ud800'" }],
    ['SQL too long', 'runSql', { sql: 'x'.repeat(1_000_001) }],
    ['no rows at all', 'runSql', { sql: 'select 1', maxRows: 0 }],
    ['too many rows', 'runSql', { sql: 'select 1', maxRows: 10_001 }],
    ['a field too many', 'runSql', { sql: 'select 1', role: 'postgres' }],
    ['no table', 'listRows', { schema: 'public' }],
    ['a name too long', 'listRows', { schema: 'public', table: 'x'.repeat(64) }],
    ['a limit below one', 'listRows', { schema: 'public', table: 'customers', limit: -1 }],
    ['an offset that is none', 'listRows', { schema: 'public', table: 'customers', offset: 1.5 }],
    ['an order that is none', 'listRows', { schema: 'public', table: 'customers', orderBy: 'secret desc' }],
    ['a schema of a wrong type', 'listTables', { schema: 7 }],
  ]

  test.each(inputs)('%s', async (_name, procedure, input) => {
    const call = developer[procedure] as (input: unknown) => Promise<unknown>
    await expect(call({ projectRef: project.ref, ...input })).rejects.toMatchObject({ code: 'BAD_REQUEST', ...refusal('request.invalid') })
  })
})
