import { createProjectSchema, signUpSchema } from '@polder/core'
import { expect, test } from 'vitest'
import { toFieldErrors, toIssues, type Issue } from './issues.ts'

const toErrors = (schema: { safeParse(input: unknown): { error?: { issues: unknown[] } } }, input: unknown) =>
  toFieldErrors((schema.safeParse(input).error?.issues ?? []) as Issue[])

test('the schemas of the server speak to people', () => {
  expect(toErrors(signUpSchema, { email: 'not an address', password: 'short' })).toEqual({
    email: 'This is not an e-mail address.',
    password: 'At least 10 characters.',
  })
  expect(toErrors(createProjectSchema, { organizationId: crypto.randomUUID(), name: ' ', region: 'Not A Label' })).toEqual({
    name: 'Please fill this in.',
    region: 'This is not of the form that is wanted here.',
  })
  expect(toErrors(createProjectSchema, { organizationId: crypto.randomUUID(), name: 'a\u0000b' })).toEqual({
    name: 'This has control characters.',
  })
  expect(toErrors(signUpSchema, { email: 'ada@example.com', password: 'long enough to pass' })).toEqual({})
})

test("the server's issues are told from its other details", () => {
  expect(toFieldErrors(toIssues([{ path: 'name', message: 'is taken' }]))).toEqual({ name: 'is taken' })
  for (const details of [null, undefined, 'text', 7, {}, { issues: 'x' }, [null, 1, { path: 1, message: 'x' }]])
    expect(toIssues(details)).toEqual([])
})
