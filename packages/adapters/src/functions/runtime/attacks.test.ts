import { createSocket, type Socket } from 'node:dgram'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAddressGuard, createOutgoingAgents } from '../../outgoing/index.ts'
import { listImportAttacks, listRunningAttacks, type AttackTargets } from '../testing/attack-cases.ts'
import { listTargets } from '../testing/private-targets.ts'
import type { FunctionProcess } from './function-process.ts'
import { createProcessPool, type ProcessPool } from './process-pool.ts'

const CANARY = 'canary-4f1d2c'
const EVIL = `Deno.serve(async (request) => {
  const AsyncFunction = (async () => {}).constructor
  try { return Response.json({ got: String(await new AsyncFunction(await request.text())()) }) }
  catch (error) { return Response.json({ refused: String(error?.stack ?? error) }) }
})`

function toAssignment(ref: string) {
  return { ref, env: { SECRET: `secret of ${ref}` }, origin: 'http://localhost', memoryMb: 256, logBytesPerSecond: 1e6 }
}

const nowhere = { folder: '', canary: '', port: 0, otherPid: 0, otherFolder: '', platformPid: 0 }

describe.each([
  { form: 'in a jail, where the machine has one', isJailWanted: true },
  { form: 'by Deno alone', isJailWanted: false },
])('$form', ({ isJailWanted }) => {
  let folder: string
  let server: Server
  let datagrams: Socket
  let asked = 0
  let pool: ProcessPool
  let own: FunctionProcess
  let targets: AttackTargets

  beforeAll(async () => {
    process.env.POLDER_TEST_CANARY = CANARY
    folder = mkdtempSync(path.join(os.tmpdir(), 'polder-attack-'))
    writeFileSync(path.join(folder, 'canary.txt'), CANARY, { mode: 0o644 })
    writeFileSync(path.join(folder, 'canary.json'), JSON.stringify({ canary: CANARY }), { mode: 0o644 })
    writeFileSync(path.join(folder, 'canary.ts'), `export default '${CANARY}'`, { mode: 0o644 })
    symlinkSync(path.join(folder, 'canary.txt'), path.join(folder, 'link.txt'))
    server = createServer((_request, response) => {
      asked += 1
      response.end(`export default '${CANARY}'`)
    })
    server.on('connection', () => (asked += 1))
    server.on('upgrade', (_request, socket) => socket.destroy())
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    const { port } = server.address() as AddressInfo
    datagrams = createSocket('udp4', () => (asked += 1))
    await new Promise<void>((done) => datagrams.bind(port, '127.0.0.1', done))
    pool = createProcessPool({
      egress: {
        agents: createOutgoingAgents(createAddressGuard()),
        findInside: () => undefined,
        databaseAddress: async () => ({ host: '127.0.0.1', port: 9 }),
      },
      warm: 0,
      max: 10,
      observe: () => {},
      isJailWanted,
    })
    const other = await pool.take(256)
    other.assign(toAssignment('beta'), { onLine: () => {}, onExit: () => {} })
    own = await startOwn()
    targets = { folder, canary: CANARY, port, otherPid: other.pid, otherFolder: other.folder, platformPid: process.pid }
  }, 30_000)
  afterAll(async () => {
    delete process.env.POLDER_TEST_CANARY
    await pool?.close()
    server?.closeAllConnections()
    server?.close()
    datagrams?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  async function startOwn(): Promise<FunctionProcess> {
    const started = await pool.take(256)
    started.assign(toAssignment('alpha'), { onLine: () => {}, onExit: () => {} })
    await started.load('evil', 1, Buffer.from(EVIL))
    return started
  }

  async function run(code: string): Promise<{ got?: string; refused?: string }> {
    if (own.hasExited) own = await startOwn()
    const { body } = await own.pool.request({ method: 'POST', path: '/evil', body: code })
    return (await body.json()) as { got?: string; refused?: string }
  }

  test('there are 73 cases or more', () => {
    expect(listImportAttacks(targets).length + listRunningAttacks(targets).length).toBeGreaterThanOrEqual(73)
  })

  describe('a module that was forced on the runtime does not load', () => {
    test.each(listImportAttacks(nowhere).map(({ name }, at) => [name, at] as const))('%s', async (_name, at) => {
      const before = asked
      const attack = listImportAttacks(targets)[at]!
      if (own.hasExited) own = await startOwn()
      const failed = (await own.load(`import${at}`, 1, Buffer.from(attack.code)).catch((error: unknown) => error)) as {
        details?: { reason: string }
      }
      expect(failed).toMatchObject({ code: 'functions.boot_failed' })
      expect(failed.details?.reason).not.toContain(CANARY)
      expect(asked).toBe(before)
    })
  })

  describe('code that runs cannot', () => {
    test.each(listRunningAttacks(nowhere).map(({ name }, at) => [name, at] as const))('%s', async (_name, at) => {
      const before = asked
      const { code, isHarmless } = listRunningAttacks(targets)[at]!
      const { got, refused } = await run(code)
      expect(`${got} ${refused}`).not.toContain(CANARY)
      if (got !== undefined) expect([got, isHarmless?.(got)]).toEqual([got, true])
      expect(asked).toBe(before)
    })
  })

  describe('what is not public is reached by no way', () => {
    test.each(listTargets(0))('%s', async (_url, at) => {
      const before = asked
      const url = listTargets(targets.port)[at]![0]
      const text = JSON.stringify(url)
      const { hostname = '', port = '' } = URL.parse(url) ?? {}
      const ways = [
        `return (await fetch(${text}, { signal: AbortSignal.timeout(3000) })).status`,
        `return await new Promise((ok, no) => { const s = new WebSocket(${text}.replace(/^http/, 'ws')); s.onopen = () => ok('open'); s.onerror = (e) => no(e.message ?? 'error') })`,
        `return String(await Deno.connect({ hostname: ${JSON.stringify(hostname.replace(/^\[|\]$/g, ''))}, port: ${Number(port || 80)} }))`,
      ]
      for (const way of ways) expect([way, (await run(way)).got]).toEqual([way, undefined])
      expect(asked).toBe(before)
    })
  })
})
