import { z } from 'zod'

/** A project's immutable name: new ones are 20 lower-case letters, imported ones may have digits and hyphens. */
export const projectRefSchema = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/)
  .brand<'ProjectRef'>()

export type ProjectRef = z.infer<typeof projectRefSchema>

const REF_PATTERN = /^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/

/** Whether the text can be a project ref; says nothing of whether there is such a project. */
export function isProjectRef(text: unknown): text is ProjectRef {
  return typeof text === 'string' && REF_PATTERN.test(text)
}
