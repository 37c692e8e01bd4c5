import { isServiceError } from '@polder/core'
import { hashSync } from '@node-rs/bcrypt'
import { describe, expect, test } from 'vitest'
import { createPasswordHasher, isUsableHash } from './password.ts'
import { createWorkQueue } from './work-queue.ts'

const cheap = { memoryCost: 64, timeCost: 1, parallelism: 1 }
const usual = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

describe('passwords', () => {
  test('are hashed by Argon2id, salted', async () => {
    const passwords = createPasswordHasher()
    const [one, two] = await Promise.all([passwords.hash('correct horse', usual), passwords.hash('correct horse', usual)])
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    expect(one).not.toBe(two)
    expect(await passwords.verify(one, 'correct horse', usual)).toBe(true)
    expect(await passwords.verify(one, 'correct horse ', usual)).toBe(false)
    expect([passwords.needsRehash(one, usual), passwords.needsRehash(one, cheap)]).toEqual([false, true])
  })

  test('hashed by bcrypt are verified, and are to be hashed anew', async () => {
    const passwords = createPasswordHasher()
    const hashed = hashSync('pässwörd', { cost: 4 })
    for (const version of ['$2a$', '$2b$', '$2y$']) {
      const known = version + hashed.slice(4)
      expect(await passwords.verify(known, 'pässwörd', cheap), version).toBe(true)
      expect(await passwords.verify(known, 'passwörd', cheap), version).toBe(false)
      expect(passwords.needsRehash(known, cheap)).toBe(true)
    }
    expect(isUsableHash(hashed.replace('$04$', '$31$'))).toBe(false)
  })

  test('are compared with nothing where there is no hash to trust', async () => {
    const passwords = createPasswordHasher()
    const dear = '$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g'
    for (const hash of [null, '', 'x', '$argon2id$', '$argon2id$v=19$m=1', '$2a$10$abcdefghijklmnopqrstuv', dear]) {
      expect(await passwords.verify(hash, 'nobody has this password', cheap), String(hash)).toBe(false)
    }
    expect(await passwords.verify(await passwords.hash('x', cheap), 'x'.repeat(5_000_000), cheap)).toBe(false)
  })

  test('take as long for nobody as for somebody', { timeout: 30_000 }, async () => {
    const passwords = createPasswordHasher()
    const cost = { ...cheap, memoryCost: 4_096 }
    const hashed = await passwords.hash('correct horse', cost)
    const measure = async (hash: string | null) => {
      const start = performance.now()
      await passwords.verify(hash, 'wrong', cost)
      return performance.now() - start
    }
    await measure(null)
    const times: [number, number][] = []
    for (let index = 0; index < 31; index += 1) times.push([await measure(hashed), await measure(null)])
    const median = (side: 0 | 1) => times.map((pair) => pair[side]).toSorted((a, b) => a - b)[15]!
    // the machine is shared: this notices an answer without work, which would be a hundred times faster
    expect(median(1) / median(0)).toBeGreaterThan(0.5)
    expect(median(1) / median(0)).toBeLessThan(2)
  })
})

describe('the queue', () => {
  test('runs so many at a time, in order, lets so many wait, and sends the rest away', async () => {
    const queue = createWorkQueue({ concurrency: 2, waiting: 3 })
    const log: string[] = []
    let [running, most] = [0, 0]
    const work = (name: number) =>
      queue.run(async () => {
        most = Math.max(most, (running += 1))
        log.push(`${name}`)
        await new Promise((resolve) => setTimeout(resolve, 5))
        running -= 1
        if (name === 1) throw new Error('of the work itself')
        return name
      })
    const results = await Promise.allSettled([0, 1, 2, 3, 4, 5, 6].map(work))
    expect(most).toBe(2)
    expect(log).toEqual(['0', '1', '2', '3', '4'])
    expect(results.map(({ status }) => status === 'fulfilled')).toEqual([true, false, true, true, true, false, false])
    const refused = results[6] as PromiseRejectedResult
    expect(isServiceError(refused.reason, 'system.busy')).toBe(true)
    expect(await Promise.all([work(7), work(8)])).toEqual([7, 8])
  })
})
