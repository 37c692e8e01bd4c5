import { z } from 'zod'

/** A function's name stands in URLs: a letter, then letters, digits, `_` and `-`. */
export const functionNameSchema = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_-]{0,62}$/, 'takes a letter, then letters, digits, _ and -, at most 63 characters')
