import { z } from 'zod'

/** A member's role, from the strongest to the weakest. */
export const memberRoleSchema = z.enum(['owner', 'administrator', 'developer', 'viewer'])

export type MemberRole = z.infer<typeof memberRoleSchema>
