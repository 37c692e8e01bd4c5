import { randomBytes } from 'node:crypto'
import { isServiceError } from '@polder/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createSecretBox } from './secret-box.ts'

const box = createSecretBox(randomBytes(32))

function refuses(open: () => unknown): boolean {
  try {
    open()
    return false
  } catch (error) {
    return isServiceError(error, 'project.secret_unreadable')
  }
}

describe('secret box', () => {
  test('opens what it sealed, whatever the text, and never seals the same way twice', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), fc.string(), (text, ref, name) => {
        const sealed = box.seal(ref, name, text)
        expect(box.open(ref, name, sealed)).toBe(text)
        expect(box.seal(ref, name, text).equals(sealed)).toBe(false)
        if (text.length > 4) expect(sealed.includes(text)).toBe(false)
      }),
      { numRuns: 200 },
    )
  })

  test('a secret moved to another project or name does not open', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), fc.string(), (ref, name, otherRef, otherName) => {
        fc.pre(ref !== otherRef || name !== otherName)
        expect(refuses(() => box.open(otherRef, otherName, box.seal(ref, name, 'secret')))).toBe(true)
      }),
      { numRuns: 200 },
    )
    // the border between ref and name is part of what is bound
    expect(refuses(() => box.open('ab', 'c', box.seal('a', 'bc', 'secret')))).toBe(true)
    expect(refuses(() => box.open('a","b', 'c', box.seal('a', 'b","c', 'secret')))).toBe(true)
  })

  test('a flipped bit anywhere is refused', () => {
    const sealed = box.seal('ref', 'jwt_secret', 'a secret of some length')
    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      const changed = Buffer.from(sealed)
      changed[bit >> 3]! ^= 1 << (bit & 7)
      expect(
        refuses(() => box.open('ref', 'jwt_secret', changed)),
        `bit ${bit}`,
      ).toBe(true)
    }
  })

  test('a cut, lengthened or empty secret is refused', () => {
    const sealed = box.seal('ref', 'jwt_secret', 'secret')
    for (let length = 0; length < sealed.length; length += 1) {
      expect(
        refuses(() => box.open('ref', 'jwt_secret', sealed.subarray(0, length))),
        `length ${length}`,
      ).toBe(true)
    }
    expect(refuses(() => box.open('ref', 'jwt_secret', Buffer.concat([sealed, Buffer.of(0)])))).toBe(true)
  })

  test('another master key opens nothing, and the error tells no secret', () => {
    const sealed = box.seal('ref', 'jwt_secret', 'top-secret-text')
    const otherBox = createSecretBox(randomBytes(32))
    expect(refuses(() => otherBox.open('ref', 'jwt_secret', sealed))).toBe(true)
    try {
      otherBox.open('ref', 'jwt_secret', sealed)
    } catch (error) {
      expect(JSON.stringify(error) + String(error)).not.toContain('top-secret')
    }
  })

  test('a master key of another length is refused', () => {
    for (const length of [0, 16, 31, 33, 64]) expect(() => createSecretBox(randomBytes(length))).toThrow(/master key/)
  })

  test('derives keys that are the same each time, and differ by ref, name and master key', () => {
    const [one, other] = [createSecretBox(randomBytes(32)), createSecretBox(randomBytes(32))]
    expect(one.derive('alpha', 'links')).toEqual(one.derive('alpha', 'links'))
    const keys = [one.derive('alpha', 'links'), one.derive('beta', 'links'), one.derive('alpha', 'other'), other.derive('alpha', 'links')]
    expect(new Set(keys.map((key) => key.toString('hex'))).size).toBe(4)
    expect(keys[0]).toHaveLength(32)
  })
})
