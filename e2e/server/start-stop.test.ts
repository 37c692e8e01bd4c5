import { readFileSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  findFreePort,
  makeFolder,
  removeFolder,
  spawnServer,
  startServer,
  untilListening,
  type RunningServer,
} from '@polder/tooling/server'

let folder: string
let port: number
let postgresPort: number
const started: RunningServer[] = []

beforeAll(async () => {
  folder = await makeFolder()
  port = await findFreePort()
  postgresPort = await findFreePort()
})

afterAll(async () => {
  for (const server of started) await server.stop().catch(() => {})
  await removeFolder(folder)
})

const start = async (environment?: Record<string, string>) => {
  const server = await startServer({ folder, port, postgresPort, environment })
  started.push(server)
  return server
}

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** The first line of postmaster.pid is the server's process id. */
const postmaster = () => Number(readFileSync(path.join(folder, 'postgres/data/postmaster.pid'), 'utf8').split('\n')[0])

const until = async (isTrue: () => boolean, timeoutMs: number) => {
  const deadline = Date.now() + timeoutMs
  while (!isTrue() && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50))
  return isTrue()
}

describe('npm start', () => {
  test('prints the address to open, and SIGTERM stops it and its Postgres', async () => {
    const server = await start()
    expect(server.output()).toContain(`http://localhost:${port}`)
    const database = postmaster()
    expect(isAlive(database)).toBe(true)
    await server.stop()
    expect(await until(() => !isAlive(database), 5000)).toBe(true)
  })

  test('after kill -9 of the server, the next start adopts its Postgres', async () => {
    const server = await start()
    const database = postmaster()
    await server.kill()
    expect(isAlive(database)).toBe(true)
    const next = await start()
    expect(postmaster()).toBe(database)
    await next.stop()
    expect(await until(() => !isAlive(database), 5000)).toBe(true)
  })

  test('a second instance on the same folder is one clear line', async () => {
    const server = await start()
    const second = spawnServer({ folder, port: await findFreePort(), postgresPort: await findFreePort() })
    expect(await new Promise((resolve) => second.process.on('exit', resolve))).not.toBe(0)
    expect(second.output()).toMatch(/another .*(instance|server).*/i)
    expect(second.output()).not.toMatch(/^\s+at /m)
    await server.stop()
  })

  test('a port in use is one clear line', async () => {
    const occupier = net.createServer()
    await new Promise<void>((resolve) => occupier.listen(port, '127.0.0.1', resolve))
    const server = spawnServer({ folder, port, postgresPort })
    expect(await new Promise((resolve) => server.process.on('exit', resolve))).not.toBe(0)
    expect(server.output()).toContain(String(port))
    expect(server.output()).toMatch(/in use/i)
    expect(server.output()).not.toMatch(/^\s+at /m)
    await new Promise((resolve) => occupier.close(resolve))
  })

  test('a folder that cannot be written is one clear line', async () => {
    const server = spawnServer({ folder: '/proc/polder', port, postgresPort })
    expect(await new Promise((resolve) => server.process.on('exit', resolve))).not.toBe(0)
    expect(server.output()).toContain('/proc/polder')
    expect(server.output()).not.toMatch(/^\s+at /m)
  })

  test('a wrong setting is one line a mistake', async () => {
    const server = spawnServer({ folder, port, postgresPort, environment: { POLDER_PORT: 'eighty', POLDER_POOL_MAX: '-1' } })
    expect(await new Promise((resolve) => server.process.on('exit', resolve))).not.toBe(0)
    expect(server.output()).toContain('POLDER_PORT')
    expect(server.output()).toContain('POLDER_POOL_MAX')
    expect(server.output()).not.toMatch(/^\s+at /m)
  })

  test('secrets are in no process environment', async () => {
    const canary = Buffer.alloc(32, 'canary').toString('base64')
    const other = await makeFolder()
    const server = await startServer({
      folder: other,
      port: await findFreePort(),
      postgresPort: await findFreePort(),
      environment: { POLDER_MASTER_KEY: canary },
    })
    const database = Number(readFileSync(path.join(other, 'postgres/data/postmaster.pid'), 'utf8').split('\n')[0])
    expect(readFileSync(`/proc/${database}/environ`, 'utf8')).not.toContain(canary)
    expect(server.output()).not.toContain(canary)
    await server.stop()
    await removeFolder(other)
  })
})

test('untilListening gives the output of a server that ends', async () => {
  const server = spawnServer({ folder: '/proc/polder', port, postgresPort })
  await expect(untilListening(server)).rejects.toThrow(/polder/)
})
