import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { createServer, type AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { chooseDefaultFolder, openDataFolder, requireFreePort, StartError } from './data-folder.ts'

let folder: string
const said: string[] = []
const open = (overrides: Partial<Parameters<typeof openDataFolder>[0]> = {}) =>
  openDataFolder({ folder, masterKey: undefined, defaultFolder: '/nowhere', warn: (line) => said.push(line), ...overrides })

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'polder-data-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('the data folder', () => {
  test('gets a master key that only its owner can read, and keeps it', async () => {
    const first = await open()
    expect(first.masterKey).toHaveLength(32)
    expect(statSync(path.join(folder, 'master.key')).mode & 0o777).toBe(0o600)
    await first.release()
    const second = await open()
    expect(second.masterKey).toEqual(first.masterKey)
    await second.release()
  })

  test('uses a given key and writes none', async () => {
    const given = await open({ masterKey: Buffer.alloc(32, 1) })
    expect(given.masterKey).toEqual(Buffer.alloc(32, 1))
    expect(statSync(path.join(folder, 'master.key'), { throwIfNoEntry: false })).toBeUndefined()
    await given.release()
  })

  test('closes a key file that others could read', async () => {
    await (await open()).release()
    chmodSync(path.join(folder, 'master.key'), 0o644)
    await (await open()).release()
    expect(statSync(path.join(folder, 'master.key')).mode & 0o777).toBe(0o600)
  })

  test('refuses a damaged key in one line instead of making another', async () => {
    writeFileSync(path.join(folder, 'master.key'), 'half a key')
    await expect(open()).rejects.toThrow(/^The master key in .* is damaged[^\n]*$/)
    expect(readFileSync(path.join(folder, 'master.key'), 'utf8')).toBe('half a key')
    // and lets the folder go
    rmSync(path.join(folder, 'master.key'))
    await (await open()).release()
  })

  test('belongs to one instance at a time', async () => {
    const first = await open()
    await expect(open()).rejects.toThrow(/^Another instance of the server is running on [^\n]*$/)
    await first.release()
    await (await open()).release()
  })

  test('of ten that start at once, one gets it', async () => {
    const results = await Promise.allSettled(Array.from({ length: 10 }, () => open()))
    const taken = results.filter((result) => result.status === 'fulfilled')
    expect(taken).toHaveLength(1)
    for (const result of results) if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(StartError)
    await taken[0]!.value.release()
  })

  test('a killed instance leaves nothing in the way', async () => {
    const script = `import { openDataFolder } from ${JSON.stringify(path.join(import.meta.dirname, 'data-folder.ts'))}
      await openDataFolder({ folder: ${JSON.stringify(folder)}, masterKey: undefined, defaultFolder: '', warn() {} })
      setInterval(() => {}, 1000)
      process.stdout.write('open')`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
    await new Promise((resolve) => child.stdout.once('data', resolve))
    await expect(open()).rejects.toThrow(/Another instance/)
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
    await (await open()).release()
  })

  test('one whose path is too long for a socket works too', async () => {
    const long = path.join(folder, 'a'.repeat(60), 'b'.repeat(60))
    const first = await open({ folder: long })
    await expect(open({ folder: long })).rejects.toThrow(/Another instance/)
    await first.release()
  })

  test.each(['/proc/polder', '/dev/null/polder'])('%s cannot be written, in one line', async (wrong) => {
    await expect(open({ folder: wrong })).rejects.toThrow(/^The data folder [^\n]* cannot be written [^\n]*$/)
  })

  test('under a home that others may not enter, root keeps data elsewhere and says so', () => {
    const wanted = path.join(folder, 'clone', 'data')
    chmodSync(folder, 0o700)
    expect(chooseDefaultFolder(wanted, (line) => said.push(line), 0)).toBe('/var/lib/polder')
    expect(said.splice(0).join()).toContain('/var/lib/polder')
    expect(chooseDefaultFolder(wanted, (line) => said.push(line), 1000)).toBe(wanted)
    chmodSync(folder, 0o711)
    expect(chooseDefaultFolder(wanted, (line) => said.push(line), 0)).toBe(wanted)
    expect(said).toEqual([])
  })
})

test('a port in use is one line', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await expect(requireFreePort('127.0.0.1', port)).rejects.toThrow(new RegExp(`^Port ${port} is in use[^\\n]*$`))
  await new Promise((resolve) => server.close(resolve))
  await requireFreePort('127.0.0.1', port)
  await expect(requireFreePort('203.0.113.1', port)).rejects.toThrow(/^The server cannot listen on 203\.0\.113\.1 [^\n]*$/)
})
