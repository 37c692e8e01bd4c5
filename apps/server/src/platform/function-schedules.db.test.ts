import type { ScheduleInput } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createHttpServer } from '../http-server.ts'
import type { Services } from '../services.ts'
import { openTestServer, untilEnded, type TestServer } from '../testing/test-server.ts'
import { planRun } from './function-schedules.ts'

let server: TestServer
let services: Services[]
let apps: FastifyInstance[]
let project: ProjectScope

const INPUT: ScheduleInput = { title: 'Nightly', name: 'tick', cron: '* * * * *', timeZone: 'UTC', method: 'POST', path: '/x?a=b', body: '{"a":1}', missedRuns: 'skip', isEnabled: true } // prettier-ignore

beforeAll(async () => {
  server = await openTestServer()
  services = [await server.start(), await server.start()]
  apps = await Promise.all(services.map((each) => createHttpServer({ services: each, trustedProxies: null })))
  for (const app of apps) await app.listen({ port: 0, host: '127.0.0.1' })
  const owner = await server.createAccount('owner')
  const [first] = services as [Services, Services]
  const made = await first.projects.create(owner.actor, { organizationId: server.cluster.organizationId, name: 'Scheduled' })
  await untilEnded(server, made.project.ref)
  const access = await first.router.validateProjectAccess(made.project.ref, {
    kind: 'member',
    accountId: owner.account.accountId,
    permission: 'functions.write',
  })
  project = await first.router.getConnection(access)
  const code = `Deno.serve(async (request) => { const role = JSON.parse(atob(request.headers.get('authorization').split('.')[1])).role
    return new Response(role + ' ' + new URL(request.url).search + ' ' + await request.text(), { status: 418 }) })`
  const source = { files: [{ path: 'index.ts', content: code }], entrypoint: 'index.ts' }
  await first.adapters.functions.deployFunction(project, { name: 'tick', source, deployedBy: null })
}, 60_000)
afterAll(async () => {
  await Promise.all((apps ?? []).map((app) => app.close()))
  await server?.[Symbol.asyncDispose]()
})

const functions = () => services[0]!.adapters.functions
const setNext = (id: string, minutesAgo: number) =>
  server.cluster.platform
    .updateTable('function_schedules')
    .set({ next_at: new Date(Math.floor(Date.now() / 60_000) * 60_000 - minutesAgo * 60_000) })
    .where('id', '=', id)
    .execute()

async function untilRuns(id: string, count: number) {
  for (let tries = 0; tries < 100; tries += 1) {
    const runs = await functions().listScheduleRuns(project, id)
    if (runs.length >= count) return runs
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return functions().listScheduleRuns(project, id)
}

describe('a schedule', () => {
  test('that is due calls its function once, as the service role, whichever server looks', async () => {
    const { id, nextAt } = await functions().createSchedule(project, INPUT)
    expect(nextAt!.getTime()).toBeGreaterThan(Date.now())
    await setNext(id, 0)
    await Promise.all(services.map((each) => each.functionSchedules.lookForDue()))
    const [run] = await untilRuns(id, 1)
    expect(run).toMatchObject({ status: 418, missed: 0, error: 'service_role ?a=b {"a":1}' })
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(await functions().listScheduleRuns(project, id)).toHaveLength(1)
    const [listed] = (await functions().listSchedules(project)).filter((each) => each.id === id)
    expect(listed?.nextAt!.getTime()).toBeGreaterThan(Date.now())
    expect(listed?.lastRun).toMatchObject({ status: 418 })
    await functions().deleteSchedule(project, id)
  })

  test('whose runs were missed skips them, or runs once for all', async () => {
    const skipping = await functions().createSchedule(project, { ...INPUT, cron: '0 * * * *' })
    const once = await functions().createSchedule(project, { ...INPUT, cron: '*/10 * * * *', missedRuns: 'once' })
    for (const { id } of [skipping, once]) await setNext(id, 240)
    await services[0]!.functionSchedules.lookForDue(new Date(Math.floor(Date.now() / 3_600_000) * 3_600_000 + 20 * 60_000 + 5_000))
    const [run] = await untilRuns(once.id, 1)
    expect(run!.missed).toBeGreaterThan(3)
    expect(await functions().listScheduleRuns(project, skipping.id)).toEqual([])
  })

  test('that is off is never due, and one that cannot be is refused', async () => {
    const off = await functions().createSchedule(project, { ...INPUT, isEnabled: false })
    expect(off.nextAt).toBeNull()
    const on = await functions().updateSchedule(project, off.id, { ...INPUT, isEnabled: true })
    expect(on.nextAt).not.toBeNull()
    for (const wrong of [{ cron: '61 * * * *' }, { cron: '* * *' }, { timeZone: 'Mars/Base' }, { cron: '0 0 31 2 *' }, { cron: 'x' }]) {
      await expect(functions().createSchedule(project, { ...INPUT, ...wrong })).rejects.toMatchObject({
        code: 'functions.schedule_invalid',
      })
    }
    await expect(functions().createSchedule(project, { ...INPUT, name: 'nothing' })).rejects.toMatchObject({ code: 'functions.not_found' })
    await expect(functions().deleteSchedule(project, crypto.randomUUID())).rejects.toMatchObject({ code: 'functions.schedule_not_found' })
  })

  test('on a clock that is put on or back is due when the wall says so', () => {
    const schedule = { id: 'x', ref: 'r', name: 'tick', cron: '30 2 * * *', timeZone: 'Europe/Berlin', method: 'POST', path: '', body: null, missedRuns: 'skip' as const } // prettier-ignore
    const next = (from: string) => planRun({ ...schedule, dueAt: new Date(from) }, new Date(from)).nextAt?.toISOString()
    expect(next('2026-01-10T12:00:00Z')).toBe('2026-01-11T01:30:00.000Z')
    expect(next('2026-07-10T12:00:00Z')).toBe('2026-07-11T00:30:00.000Z')
    // There is no half past two on the day when the clock is put on.
    expect(next('2026-03-28T12:00:00Z')).toBe('2026-03-30T00:30:00.000Z')
  })
})
