import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CHOSEN_PASSWORD_ITERATIONS, isVerifierOf, RANDOM_PASSWORD_ITERATIONS, toScramVerifier } from './scram.ts'

test('a verifier has the form that Postgres stores, and not the password', async () => {
  const verifier = await toScramVerifier('correct horse', CHOSEN_PASSWORD_ITERATIONS)
  expect(verifier).toMatch(/^SCRAM-SHA-256\$4096:[A-Za-z0-9+/]{22}==\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}=$/)
  expect(verifier).not.toContain('correct')
})

test('a verifier is one of its own password and of no other', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: 'grapheme', minLength: 1 }),
      fc.string({ unit: 'grapheme', minLength: 1 }),
      async (password, other) => {
        const verifier = await toScramVerifier(password, RANDOM_PASSWORD_ITERATIONS)
        expect(await isVerifierOf(verifier, password)).toBe(true)
        if (password.normalize('NFKC') !== other.normalize('NFKC') && /^[ -~]+$/.test(other))
          expect(await isVerifierOf(verifier, other)).toBe(false)
      },
    ),
    { numRuns: 100 },
  )
})

test('the same password makes another verifier each time', async () => {
  expect(await toScramVerifier('x', 1)).not.toBe(await toScramVerifier('x', 1))
})

test.each([null, '', 'md5abc', 'SCRAM-SHA-256$', 'SCRAM-SHA-256$1:', 'SCRAM-SHA-256$1:c2FsdA==$x:y'])(
  '%j is nobody’s verifier',
  async (text) => {
    expect(await isVerifierOf(text, 'x')).toBe(false)
  },
)
