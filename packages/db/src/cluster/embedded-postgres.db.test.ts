import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Observation } from '@polder/core'
import { makeClient } from '../connect.ts'
import { openEmbeddedPostgres, type EmbeddedPostgres, type EmbeddedPostgresOptions } from './embedded-postgres.ts'
import { isAlive, readPostmasterFile } from './postmaster.ts'
import { toClientConfig } from './server-address.ts'
import { ALLOWED_EXTENSIONS, findPackagedServer } from './server-binaries.ts'

const SETTINGS = { fsync: false, shared_buffers: '16MB', max_connections: 20, max_locks_per_transaction: 64 }
const PASSWORD = 'a secret that only we know'

let parent: string
let folder: string
const opened: EmbeddedPostgres[] = []

beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), `polder-test-${process.pid}-`))
  await chmod(parent, 0o755)
  folder = join(parent, 'postgres')
})
afterAll(async () => {
  await Promise.all(opened.map((server) => server.stop()))
  await rm(parent, { recursive: true, force: true })
})

const observed: Observation[] = []

async function open(changes: Partial<EmbeddedPostgresOptions> = {}): Promise<EmbeddedPostgres> {
  const server = await openEmbeddedPostgres({
    folder,
    port: 42_000 + (process.pid % 1000) * 10,
    superuserPassword: PASSWORD,
    settings: SETTINGS,
    observe: (observation) => observed.push(observation),
    ...changes,
  })
  opened.push(server)
  return server
}

async function ask(server: EmbeddedPostgres, sql: string): Promise<Record<string, unknown>[]> {
  const client = makeClient({ ...toClientConfig(server.address), user: 'postgres', password: PASSWORD, database: 'postgres' })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows
  } finally {
    await client.end()
  }
}

function pidOf(): number {
  const pid = readPostmasterFile(join(folder, 'data'))?.pid
  // 0 would be our own process group, which some of these tests kill
  if (!pid) throw new Error('No server is running.')
  return pid
}

test('starts, is adopted while it runs, and stops', async () => {
  const first = await open()
  expect(first).toMatchObject({ wasAdopted: false, version: 180_004 })
  const pid = pidOf()
  const second = await open()
  expect(second).toMatchObject({ wasAdopted: true, address: first.address })
  expect(pidOf()).toBe(pid)
  await Promise.all([first.stop(), second.stop(), second.stop()])
  expect(isAlive(pid)).toBe(false)
  expect(await readFile(join(folder, 'port'), 'utf8')).toBe(`${first.address.port}\n`)
  expect(observed.map((one) => (one.kind === 'cluster' ? one.event : one.kind))).toEqual([
    'starting',
    'started',
    'adopted',
    'stopped',
    'stopped',
  ])
})

describe('while it runs', () => {
  let server: EmbeddedPostgres

  beforeAll(async () => {
    // what a platform's environment holds
    process.env['POLDER_TEST_CANARY'] = 'canary-7f3a'
    server = await open()
    delete process.env['POLDER_TEST_CANARY']
  })

  test('its processes’ environment holds nothing of ours', async () => {
    const children = execFileSync('ps', ['-o', 'pid=', '--ppid', String(pidOf())], { encoding: 'utf8' })
      .trim()
      .split(/\s+/)
    for (const pid of [pidOf(), ...children]) {
      const environment = (await readFile(`/proc/${pid}/environ`, 'utf8')).split('\0').filter(Boolean)
      const names = environment.map((line) => line.split('=')[0])
      expect(
        names.filter((name) => !/^(LANG|LC_ALL|PATH|TZ|PG_GRANDPARENT_PID|PGLOCALEDIR|PGSYSCONFDIR|LC_[A-Z]+)$/.test(name ?? '')),
      ).toEqual([])
      expect(environment.join(' ')).not.toContain('canary-7f3a')
    }
  })

  test('it does not run as root, and nobody else can get to its data, log and socket', async () => {
    expect((await stat(`/proc/${pidOf()}`)).uid).not.toBe(0)
    for (const name of ['data', 'log', 'socket']) expect((await stat(join(folder, name))).mode & 0o077, name).toBe(0)
    await expect(stat(join(folder, 'data.password'))).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('it is set as the walls need it', async () => {
    const rows = await ask(
      server,
      `select name, setting from pg_settings where name in ('listen_addresses', 'password_encryption', 'fsync',
      'max_prepared_transactions', 'logging_collector', 'wal_level', 'recovery_init_sync_method', 'jit') order by name`,
    )
    expect(Object.fromEntries(rows.map(({ name, setting }) => [name, setting]))).toEqual({
      fsync: 'off',
      jit: 'off',
      listen_addresses: '127.0.0.1',
      logging_collector: 'on',
      max_prepared_transactions: '0',
      password_encryption: 'scram-sha-256',
      recovery_init_sync_method: 'syncfs',
      wal_level: 'logical',
    })
    expect(await ask(server, `select distinct auth_method from pg_hba_file_rules where error is null order by 1`)).toEqual([
      { auth_method: 'reject' },
      { auth_method: 'scram-sha-256' },
    ])
    expect(await ask(server, `select count(*)::int as wrong from pg_hba_file_rules where error is not null`)).toEqual([{ wrong: 0 }])
    expect(
      await ask(
        server,
        `select datcollate, datlocale, pg_encoding_to_char(encoding) as encoding from pg_database where datname = 'postgres'`,
      ),
    ).toEqual([{ datcollate: 'C', datlocale: 'C.UTF-8', encoding: 'UTF8' }])
  })

  test('it offers the allowed extensions, each of which can be installed, and no other', async () => {
    const rows = await ask(server, 'select name::text from pg_available_extensions order by name')
    expect(rows.map(({ name }) => name)).toEqual(ALLOWED_EXTENSIONS.toSorted())
    for (const name of ALLOWED_EXTENSIONS) await ask(server, `create extension if not exists "${name}" cascade`)
    expect((await stat(join(findPackagedServer(), 'share/postgresql/extension/dblink.control'))).isFile()).toBe(true)
  })

  test('killed, it is started again by itself on the same port', async () => {
    const pid = pidOf()
    await ask(server, 'create table kept (x int)')
    process.kill(pid, 'SIGKILL')
    await expect
      .poll(() => ask(server, `select to_regclass('kept')::text as kept`).catch(() => []), { timeout: 20_000 })
      .toEqual([{ kept: 'kept' }])
    expect(pidOf()).not.toBe(pid)
    expect(observed.some((one) => one.kind === 'cluster' && one.event === 'lost')).toBe(true)
  })

  test('another password is refused with a line that says why', async () => {
    await expect(open({ superuserPassword: 'another' })).rejects.toThrow('was made with another master key')
  })

  test('stopped, it stays so', async () => {
    await server.stop()
    expect(readPostmasterFile(join(folder, 'data'))).toBeUndefined()
  })
})

/** Starts the server in a process of its own, which is then killed with all its group. */
async function leaveRunning(): Promise<number> {
  const script = `
    const { openEmbeddedPostgres } = await import(${JSON.stringify(new URL('./embedded-postgres.ts', import.meta.url).href)})
    const options = ${JSON.stringify({ folder, port: 43_000, superuserPassword: PASSWORD, settings: SETTINGS })}
    await openEmbeddedPostgres({ ...options, observe() {} })
    console.log('ready')
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    cwd: dirname(fileURLToPath(import.meta.url)),
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  if (child.pid) process.kill(-child.pid, 'SIGKILL')
  await once(child, 'exit')
  return pidOf()
}

test('it outlives the process that started it, and is adopted by the next', async () => {
  const pid = await leaveRunning()
  expect(isAlive(pid)).toBe(true)
  const next = await open()
  expect(next.wasAdopted).toBe(true)
  expect(pidOf()).toBe(pid)
  await next.stop()
})

test('left running with other settings, it is not adopted but started anew', async () => {
  const pid = await leaveRunning()
  const next = await open({ settings: { ...SETTINGS, work_mem: '6MB' } })
  expect(next.wasAdopted).toBe(false)
  expect(isAlive(pid)).toBe(false)
  expect(await ask(next, 'show work_mem')).toEqual([{ work_mem: '6MB' }])
  await next.stop()
})

test('a pid file that names another program is no server', async () => {
  await writeFile(join(folder, 'data', 'postmaster.pid'), `${process.pid}\n${folder}/data\n0\n5\n/tmp\n127.0.0.1\n0 0\nready\n`)
  const server = await open()
  expect(server.wasAdopted).toBe(false)
  await server.stop()
})

test('a taken port gives way to the next free one', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const { port } = taken.address() as AddressInfo
  const server = await open({ port })
  expect(server.address.port).toBeGreaterThan(port)
  await server.stop()
  taken.close()
})

describe('one clear line', () => {
  test('data of another major version', async () => {
    const file = join(folder, 'data', 'PG_VERSION')
    await writeFile(file, '17\n')
    await expect(open()).rejects.toThrow(/is of Postgres 17, the programs are Postgres 18\.4/)
    await writeFile(file, '18\n')
  })

  test('a folder that is a file', async () => {
    await writeFile(join(parent, 'file'), '')
    await expect(open({ folder: join(parent, 'file', 'postgres') })).rejects.toThrow(/cannot be written: ENOTDIR/)
  })

  test('programs that are not there', async () => {
    await expect(open({ folder: join(parent, 'none'), binaries: join(parent, 'nothing') })).rejects.toThrow(
      /The Postgres programs in .* do not run/,
    )
  })

  test('a setting that Postgres does not know', async () => {
    await expect(open({ settings: { ...SETTINGS, no_such_setting: 'x' } })).rejects.toThrow(/did not start in .*no_such_setting/)
  })

  test.runIf(process.getuid?.() === 0)('a folder that Postgres’ user cannot get to', async () => {
    const closed = join(parent, 'closed')
    await mkdir(closed, { mode: 0o700 })
    await expect(open({ folder: join(closed, 'postgres') })).rejects.toThrow(/runs as the user .* who cannot get to .*POLDER_DATA_DIR/)
  })
})

test('a path too long for a socket gets a short folder for it', async () => {
  const long = join(parent, 'x'.repeat(100), 'postgres')
  await mkdir(dirname(long))
  const server = await open({ folder: long })
  expect(Buffer.byteLength(`${server.address.socketFolder}/.s.PGSQL.${server.address.port}`)).toBeLessThanOrEqual(107)
  expect(await ask(server, 'select 1 as one')).toEqual([{ one: 1 }])
  await server.stop()
  await rm(server.address.socketFolder ?? '', { recursive: true })
}, 90_000)
