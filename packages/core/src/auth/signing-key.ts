import { z } from 'zod'

/** How a project's tokens can be signed. */
export const signingAlgorithmSchema = z.enum(['HS256', 'ES256', 'RS256'])

export type SigningAlgorithm = z.infer<typeof signingAlgorithmSchema>

/**
 * Where a key stands on its way: `standby` is published and verifies, so that everybody knows it before it signs; `in_use` signs;
 * `previously_used` only verifies; `revoked` does nothing any more.
 */
export const signingKeyStatusSchema = z.enum(['standby', 'in_use', 'previously_used', 'revoked'])

export type SigningKeyStatus = z.infer<typeof signingKeyStatusSchema>

/** The public half of a key as RFC 7517 writes it, as `jwks.json` lists it. */
export const publicJwkSchema = z.object({
  kty: z.enum(['EC', 'RSA']),
  kid: z.string(),
  alg: z.enum(['ES256', 'RS256']),
  use: z.literal('sig'),
  key_ops: z.literal('verify').array(),
  crv: z.literal('P-256').optional(),
  x: z.string().optional(),
  y: z.string().optional(),
  n: z.string().optional(),
  e: z.string().optional(),
})

export type PublicJwk = z.infer<typeof publicJwkSchema>

/** One of a project's signing keys as people see it; holds no secret. */
export const signingKeySchema = z.object({
  kid: z.string(),
  algorithm: signingAlgorithmSchema,
  status: signingKeyStatusSchema,
  /** Whether somebody else has it too. */
  isImported: z.boolean(),
  /** Null for a shared secret. */
  publicJwk: publicJwkSchema.nullable(),
  createdAt: z.date(),
  /** When its status last changed. */
  updatedAt: z.date(),
})

export type SigningKey = z.infer<typeof signingKeySchema>

export const createSigningKeySchema = z.strictObject({ algorithm: z.enum(['ES256', 'RS256']).default('ES256') })

/** A private key as a JWK object: EC on P-256, or RSA of 2048 to 4096 bits. */
export const importSigningKeySchema = z.strictObject({ jwk: z.record(z.string().max(50), z.unknown()) })

export const namedSigningKeySchema = z.strictObject({ kid: z.string().min(1).max(200) })

/** The JWT secret of a project elsewhere, so that its tokens work here. */
export const importJwtSecretSchema = z.strictObject({ secret: z.string().min(32).max(500) })
