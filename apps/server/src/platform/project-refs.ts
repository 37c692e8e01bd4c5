import { randomInt } from 'node:crypto'
import type { ProjectRef } from '@polder/core'

const LETTERS = 'abcdefghijklmnopqrstuvwxyz'

/** A new project's ref: 20 random lower-case letters, 94 bits. */
export function makeProjectRef(): ProjectRef {
  return Array.from({ length: 20 }, () => LETTERS[randomInt(LETTERS.length)]).join('') as ProjectRef
}
