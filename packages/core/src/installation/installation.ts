import { z } from 'zod'

/** What anybody may know of an installation before signing in. */
export const installationSchema = z.object({
  version: z.string(),
  /** No account yet: the next sign-up becomes the administrator. */
  needsFirstAccount: z.boolean(),
  isSignUpOpen: z.boolean(),
})

export const updateInstallationSchema = z.strictObject({ isSignUpOpen: z.boolean() })

/** A wall of the role model, and whether this cluster has it. */
export const clusterWallSchema = z.object({ name: z.string(), isStanding: z.boolean(), explanation: z.string() })

/** One Postgres server that project databases are placed on; holds no secret. */
export const clusterSchema = z.object({
  id: z.uuid(),
  name: z.string(),
  kind: z.enum(['embedded', 'external']),
  region: z.string(),
  serverVersion: z.string().nullable(),
  /** A known security fix that the server's version lacks, in words; null when none is known. */
  versionWarning: z.string().nullable(),
  walls: clusterWallSchema.array(),
  acceptsProjects: z.boolean(),
  projectCount: z.number().int(),
})

export type ClusterWall = z.infer<typeof clusterWallSchema>

export type Cluster = z.infer<typeof clusterSchema>
