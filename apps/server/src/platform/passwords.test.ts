import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isCommonPassword } from './common-passwords.ts'
import { createPasswords } from './passwords.ts'

const CHEAP = { memoryKib: 64, passes: 1, lanes: 1 }

describe('hashing', () => {
  test('is Argon2id with 64 MiB, three passes and two lanes', async () => {
    const passwords = createPasswords()
    const hash = await passwords.hash('correct pony battery')
    expect(hash).toMatch(/^\$argon2id\$v=19\$m=65536,t=3,p=2\$/)
    expect(await passwords.verify(hash, 'correct pony battery')).toBe(true)
    expect(await passwords.verify(hash, 'correct pony batterY')).toBe(false)
    expect(passwords.needsRehash(hash)).toBe(false)
    expect(createPasswords({ cost: CHEAP }).needsRehash(hash)).toBe(true)
  })

  test('does the work for nobody’s password too, and says no', async () => {
    const passwords = createPasswords()
    await passwords.verify(undefined, 'warms the decoy up')
    const time = async (hash: string | undefined) => {
      const start = performance.now()
      expect(await passwords.verify(hash, 'nobody has this password')).toBe(false)
      return performance.now() - start
    }
    const known = await time(await passwords.hash('somebody has this'))
    expect(await time(undefined)).toBeGreaterThan(known / 4)
  })

  test('runs a few at a time, lets some wait, and refuses the rest', async () => {
    const passwords = createPasswords({ concurrency: 1, queueLimit: 3 })
    const tries = await Promise.allSettled(Array.from({ length: 10 }, () => passwords.hash('correct pony battery')))
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(4)
    for (const attempt of tries) if (attempt.status === 'rejected') expect(attempt.reason).toMatchObject({ code: 'system.busy' })
    await expect(passwords.hash('free again afterwards')).resolves.toBeTruthy()
  })

  test('gives its place back when a hash cannot be compared', async () => {
    const passwords = createPasswords({ cost: CHEAP, concurrency: 1 })
    for (let round = 0; round < 3; round++) await expect(passwords.verify('not a hash', 'x')).rejects.toThrow()
    await expect(passwords.hash('still works fine')).resolves.toBeTruthy()
  })

  test('takes a password in any normal form for the same, and no other', async () => {
    const passwords = createPasswords({ cost: CHEAP })
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
        fc.string({ minLength: 1, maxLength: 20 }),
        async (one, other) => {
          const hash = await passwords.hash(one.normalize('NFC'))
          expect(await passwords.verify(hash, one.normalize('NFD'))).toBe(true)
          expect(await passwords.verify(hash, other)).toBe(one.normalize('NFC') === other.normalize('NFC'))
        },
      ),
      { numRuns: 100 },
    )
  })
})

describe('common passwords', () => {
  test.each([
    'password123',
    'Password2024!',
    'P@ssw0rd123',
    '0123456789',
    '9876543210',
    'qwertyuiop',
    'poiuytrewq',
    '1q2w3e4r5t',
    'aaaaaaaaaa',
    '1212121212',
    'abcabcabcabc',
    'iloveyou1234',
    'administrator',
    'changeme!!!!',
    'correcthorsebatterystaple',
    'somebody@example.com',
  ])('%s is one', (password) => expect(isCommonPassword(password, 'somebody@example.com')).toBe(true))

  test.each(['correct pony battery', 'tr0ub4dor&3-xyz', 'mijn polder ligt laag', '7rT!q9ZwpL2m', 'Donaudampfschiff'])(
    '%s is none',
    (password) => expect(isCommonPassword(password, 'somebody@example.com')).toBe(false),
  )

  test('property: 12 random letters are none, and hostile ones take no time', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[a-z]{6}[A-Z]{6}[0-9]{6}$/),
        (password) => !isCommonPassword(password, 'a@example.com') || new Set(password).size < 5,
      ),
    )
    const start = performance.now()
    for (const text of ['a'.repeat(256), 'ab'.repeat(128), `${'a1'.repeat(127)}!`, '1'.repeat(255) + 'x', '!'.repeat(256)])
      isCommonPassword(text, '')
    expect(performance.now() - start).toBeLessThan(200)
  })
})
