import { z } from 'zod'
import { operationSchema } from '../operation/operation.ts'
import { isPlainText } from '../plain-text.ts'
import { projectRefSchema } from './project-ref.ts'
import { projectStatusSchema } from './project-status.ts'

/** One isolated back end as people see it; holds no secret. */
export const projectSchema = z.object({
  ref: projectRefSchema,
  name: z.string(),
  organizationId: z.uuid(),
  plan: z.enum(['shared', 'dedicated']),
  status: projectStatusSchema,
  /** Why a failed project failed, and whether trying again helps. */
  statusReason: z.string().nullable(),
  retryable: z.boolean(),
  region: z.string(),
  clusterId: z.uuid(),
  databaseName: z.string(),
  createdAt: z.date(),
  updatedAt: z.date(),
})

export type Project = z.infer<typeof projectSchema>

export const projectNameSchema = z.string().trim().min(1).max(100).refine(isPlainText, 'has control characters')

export const createProjectSchema = z.strictObject({
  organizationId: z.uuid(),
  name: projectNameSchema,
  /** A label for people; 'local' when absent. */
  region: z
    .string()
    .regex(/^[a-z0-9-]{1,40}$/)
    .optional(),
  /** The cluster to place it on; the one with the most room when absent. */
  clusterId: z.uuid().optional(),
  /** Password of the database owner; random when absent. */
  databasePassword: z.string().min(12).max(128).refine(isPlainText, 'has control characters').optional(),
})

export type CreateProject = z.infer<typeof createProjectSchema>

export const createdProjectSchema = z.object({ project: projectSchema, operation: operationSchema })

/** The five texts that a person pastes into an app; the service role's is behind `revealSecret`. */
export const projectConnectionSchema = z.object({
  ref: projectRefSchema,
  /** Base URL for supabase-js, without a trailing slash. */
  url: z.string(),
  anonKey: z.string(),
  publishableKey: z.string(),
  database: z.object({ host: z.string(), port: z.number().int(), name: z.string(), user: z.string() }),
  /** Whether the first user's password can still be shown, once. */
  hasFirstUserPassword: z.boolean(),
})

export type ProjectConnection = z.infer<typeof projectConnectionSchema>

/** Secrets that a member with the permission can have shown; each showing is audited. */
export const revealableSecretSchema = z.enum(['service_role_key', 'secret_key', 'jwt_secret', 'database_password'])

export type RevealableSecret = z.infer<typeof revealableSecretSchema>
