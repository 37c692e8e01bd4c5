import { spawn } from 'node:child_process'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { ServiceError } from '@polder/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openTestServer, untilEnded, type TestAccount, type TestServer } from '../testing/test-server.ts'
import type { DyingProcessOrder } from '../testing/dying-process.ts'
import type { Services } from '../services.ts'

const CREATE_STEPS = ['secrets', 'roles', 'database', 'folders', 'keys', 'access', 'router', 'privileges', 'first_user', 'probe']
const DELETE_STEPS = ['router', 'database', 'roles', 'folders']

describe('an operation that fails', () => {
  let server: TestServer
  let services: Services
  let owner: TestAccount
  let failing: { step: string; error: () => Error } | undefined

  beforeAll(async () => {
    server = await openTestServer()
    services = await server.start({
      failPoint(step, moment) {
        if (failing?.step === step && moment === 'after') throw failing.error()
      },
    })
    owner = await server.createAccount('owner')
  })
  afterAll(() => server[Symbol.asyncDispose]())

  const create = (name: string) => services.projects.create(owner.actor, { organizationId: server.cluster.organizationId, name })

  test.each(CREATE_STEPS)('creating, at %s: everything is taken back, the project says why, and a retry makes it', async (step) => {
    failing = { step, error: () => new ServiceError('request.invalid', { message: 'on purpose' }) }
    const { project } = await create(`fails at ${step}`)
    const operation = await untilEnded(server, project.ref)
    expect(operation).toMatchObject({ status: 'failed', error: { code: 'request.invalid', message: 'on purpose' } })
    expect(operation.steps.find(({ name }) => name === step)?.status).toBe('failed')
    expect(operation.steps.filter(({ status }) => status === 'running' || status === 'done')).toEqual([])
    expect(await server.listTraces(project.ref)).toEqual([])
    expect(await services.projects.get(project.ref)).toMatchObject({ status: 'failed', statusReason: 'on purpose', retryable: true })
    const secrets = await server.cluster.platform.selectFrom('project_secrets').select('name').where('ref', '=', project.ref).execute()
    expect(secrets.map(({ name }) => name).filter((name) => name !== 'owner_password')).toEqual([])

    failing = undefined
    await services.projects.retry(owner.actor, project.ref)
    expect(await untilEnded(server, project.ref)).toMatchObject({ status: 'succeeded', error: null })
    expect(await services.projects.get(project.ref)).toMatchObject({ status: 'active', statusReason: null })
  })

  test('for a moment only: the step is tried again, and nobody notices', async () => {
    let failures = 0
    failing = {
      step: 'database',
      error: () => {
        if (++failures === 2) failing = undefined
        return new Error('the moment')
      },
    }
    const { project } = await create('hiccup')
    expect(await untilEnded(server, project.ref)).toMatchObject({ status: 'succeeded' })
    expect(failures).toBe(2)
  })

  test('unexpectedly: the words of the error stay in the log', async () => {
    failing = { step: 'keys', error: () => new Error('canary with a password') }
    const { project } = await create('unexpected')
    const operation = await untilEnded(server, project.ref)
    expect(operation.error).toMatchObject({ code: 'project.provisioning_failed' })
    expect(JSON.stringify([operation, await services.projects.get(project.ref)])).not.toContain('canary')
    failing = undefined
    await services.projects.delete(owner.actor, project.ref, 'unexpected')
    expect(await untilEnded(server, project.ref)).toMatchObject({ status: 'succeeded' })
  })

  test.each(DELETE_STEPS)('deleting, at %s: nobody gets in any more, and trying again ends it', async (step) => {
    const { project } = await create(`survives ${step}`)
    await untilEnded(server, project.ref)
    const { anonKey } = await services.projects.getConnection(project.ref)
    failing = { step, error: () => new ServiceError('request.invalid', { message: 'on purpose' }) }
    await services.projects.delete(owner.actor, project.ref, project.name)
    expect(await untilEnded(server, project.ref)).toMatchObject({ status: 'failed' })
    expect(await services.projects.get(project.ref)).toMatchObject({ status: 'failed' })
    const access = { kind: 'app' as const, apiKey: anonKey, authorization: undefined }
    await expect(services.router.validateProjectAccess(project.ref, access)).rejects.toMatchObject({ code: 'project.not_active' })
    failing = undefined
    await services.projects.retry(owner.actor, project.ref)
    expect(await untilEnded(server, project.ref)).toMatchObject({ status: 'succeeded' })
    expect(await server.listTraces(project.ref)).toEqual([])
  })

  test('that succeeded cannot be tried again', async () => {
    const { project } = await create('fine')
    await untilEnded(server, project.ref)
    await expect(services.projects.retry(owner.actor, project.ref)).rejects.toMatchObject({ code: 'operation.not_retryable' })
  })
})

describe('a process that is killed', { timeout: 240_000 }, () => {
  /** Runs a process until it kills itself. */
  async function die(
    server: TestServer,
    owner: TestAccount,
    order: Pick<DyingProcessOrder, 'dieAt' | 'failAt' | 'deletes'>,
  ): Promise<void> {
    const { stop: _stop, ...cluster } = server.open
    const script = path.join(import.meta.dirname, '../testing/dying-process.ts')
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script], { stdio: ['pipe', 'ignore', 'pipe'] })
    const whole: DyingProcessOrder = {
      cluster,
      folder: server.folder,
      masterKey: server.masterKey.toString('base64'),
      actor: owner.actor,
      organizationId: server.cluster.organizationId,
      ...order,
    }
    child.stdin.end(JSON.stringify(whole))
    const timer = setTimeout(() => child.kill('SIGTERM'), 30_000)
    const [signal, errors] = await Promise.all([
      new Promise((resolve) => child.once('exit', (_code, name) => resolve(name))),
      text(child.stderr),
    ])
    clearTimeout(timer)
    expect(signal, `${JSON.stringify(order)} ${errors}`).toBe('SIGKILL')
  }

  /** Starts another process and waits for what the dead one left; answers the project as it is then. */
  async function restart(server: TestServer): Promise<{ services: Services; ref: string; status: string | undefined }> {
    const { platform } = server.cluster
    const services = await server.start()
    const { ref } = await platform.selectFrom('operations').select('ref').orderBy('created_at', 'desc').executeTakeFirstOrThrow()
    await untilEnded(server, ref, 15_000)
    expect(await platform.selectFrom('server_processes').select('id').execute()).toHaveLength(1)
    const project = await services.projects.get(ref).catch(() => undefined)
    return { services, ref, status: project?.status }
  }

  async function requireUsable(services: Services, ref: string): Promise<void> {
    const { anonKey } = await services.projects.getConnection(ref)
    const access = await services.router.validateProjectAccess(ref, { kind: 'app', apiKey: anonKey, authorization: undefined })
    expect(await services.adapters.rest.listTables(await services.router.getConnection(access))).toEqual([])
  }

  /** Three at a time: most of each is waiting. */
  async function forEach<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
    const waiting = [...items]
    await Promise.all(
      [1, 2, 3].map(async () => {
        for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item)
      }),
    )
  }

  const moments = (steps: readonly string[]) => steps.flatMap((step) => (['before', 'after'] as const).map((moment) => ({ step, moment })))

  test('at any step of creating: within 15 s of a restart the project is there, and works', async () => {
    await forEach(moments(CREATE_STEPS), async (dieAt) => {
      await using server = await openTestServer()
      const owner = await server.createAccount('owner')
      await die(server, owner, { dieAt })
      const { services, ref, status } = await restart(server)
      expect(status, JSON.stringify(dieAt)).toBe('active')
      expect(await server.listTraces(ref)).toHaveLength(7)
      await requireUsable(services, ref)
      expect(await services.projects.takeFirstUserPassword(owner.actor, ref)).toMatchObject({ email: owner.account.email })
    })
  })

  test('while it takes back: within 15 s of a restart nothing is left', async () => {
    await forEach(['probe', 'access', 'database', 'roles', 'secrets'], async (step) => {
      await using server = await openTestServer()
      await die(server, await server.createAccount('owner'), { failAt: 'probe', dieAt: { step: `undo.${step}`, moment: 'before' } })
      const { ref, status } = await restart(server)
      expect(status, step).toBe('failed')
      expect(await server.listTraces(ref)).toEqual([])
    })
  })

  test('at any step of deleting: within 15 s of a restart the project is gone', async () => {
    await forEach(moments(DELETE_STEPS), async (dieAt) => {
      await using server = await openTestServer()
      const owner = await server.createAccount('owner')
      const first = await server.start()
      const { project } = await first.projects.create(owner.actor, { organizationId: server.cluster.organizationId, name: 'doomed' })
      await untilEnded(server, project.ref)
      await first.close()
      await die(server, owner, { dieAt, deletes: project })
      const { status } = await restart(server)
      expect(status, JSON.stringify(dieAt)).toBeUndefined()
      expect(await server.listTraces(project.ref)).toEqual([])
    })
  })
})
