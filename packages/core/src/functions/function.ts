import { z } from 'zod'
import { functionNameSchema } from './function-name.ts'
import { functionSourceSchema } from './source.ts'

/** Calls of one span of time: how many, how many failed. */
export const callCountSchema = z.object({ at: z.date(), calls: z.number().int(), errors: z.number().int() })

export type CallCount = z.infer<typeof callCountSchema>

/** A function as lists show it. */
export const functionSchema = z.object({
  id: z.uuid(),
  name: functionNameSchema,
  /** Number of the version that serves. */
  version: z.number().int(),
  /** Whether a call needs a token of the project. */
  verifyJwt: z.boolean(),
  entrypoint: z.string(),
  importMap: z.string().nullable(),
  /** sha256 of the bundle, hex. */
  digest: z.string(),
  createdAt: z.date(),
  updatedAt: z.date(),
})

export type EdgeFunction = z.infer<typeof functionSchema>

/** The same with its calls of the last hours, one count an hour, the oldest first. */
export const listedFunctionSchema = functionSchema.extend({
  url: z.string(),
  hours: callCountSchema.array(),
})

export type ListedFunction = z.infer<typeof listedFunctionSchema>

export const deployFunctionSchema = z.strictObject({
  name: functionNameSchema,
  source: functionSourceSchema,
  /** As before when absent; true for a new function. */
  verifyJwt: z.boolean().optional(),
  /** What changed, for the list of versions. */
  message: z.string().max(200).optional(),
})

export type DeployFunction = z.infer<typeof deployFunctionSchema>

/** One kept version of a function. */
export const functionVersionSchema = z.object({
  version: z.number().int(),
  isServing: z.boolean(),
  digest: z.string(),
  sourceBytes: z.number().int(),
  bundleBytes: z.number().int(),
  entrypoint: z.string(),
  /** How long bundling and the trial start took. */
  bundleMs: z.number().int(),
  bootMs: z.number().int(),
  message: z.string().nullable(),
  /** Who deployed it: an e-mail address, when it was a member. */
  deployedBy: z.string().nullable(),
  createdAt: z.date(),
})

export type FunctionVersion = z.infer<typeof functionVersionSchema>

/** What a deploy did. */
export const deployedFunctionSchema = functionSchema.extend({
  bundleMs: z.number().int(),
  bootMs: z.number().int(),
  /** What the bundler has to say that is no error. */
  warnings: z.string().array(),
})

export type DeployedFunction = z.infer<typeof deployedFunctionSchema>
