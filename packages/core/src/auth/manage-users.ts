import { z } from 'zod'

const metadata = z.record(z.string(), z.unknown())
const email = z.string().max(254)
const redirectTo = z.string().max(4_096)

/** A hundred years. */
const LONGEST_BAN = 3_155_760_000

const banSecondsSchema = z.number().int().min(1).max(LONGEST_BAN)

export const namedUserSchema = z.strictObject({ userId: z.guid() })

/** What a member changes of a user; metadata is merged, keys with null are removed. */
export const updateUserSchema = namedUserSchema.extend({
  email: email.optional(),
  phone: z.string().max(32).optional(),
  password: z.string().min(1).max(72).optional(),
  role: z.string().max(63).optional(),
  /** True confirms the address now; false leaves it as it is. */
  isConfirmed: z.boolean().optional(),
  isPhoneConfirmed: z.boolean().optional(),
  userMetadata: metadata.optional(),
  appMetadata: metadata.optional(),
  /** From now; null lifts the ban. */
  banSeconds: banSecondsSchema.nullable().optional(),
})

export const deleteUserSchema = namedUserSchema.extend({
  /** Keeps the row, emptied, so that what refers to it stays. */
  isSoft: z.boolean().default(false),
})

const userIds = z.guid().array().min(1).max(500)

/** The same for many users. */
export const changeUsersSchema = z.strictObject({
  userIds,
  change: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('ban'), banSeconds: banSecondsSchema }),
    z.strictObject({ kind: z.literal('unban') }),
    z.strictObject({ kind: z.literal('sign_out') }),
    z.strictObject({ kind: z.literal('delete'), isSoft: z.boolean().default(false) }),
  ]),
})

export type ChangeOfUsers = z.infer<typeof changeUsersSchema>['change']

/** Of how many it was done, and why not of others. */
export const changedUsersSchema = z.object({
  count: z.number().int(),
  refused: z.object({ userId: z.guid(), code: z.string(), message: z.string() }).array(),
})

export const inviteUserSchema = z.strictObject({ email, userMetadata: metadata.optional(), redirectTo: redirectTo.optional() })

/** Mails that a member has sent to a user who could have asked for them too. */
export const sendUserLinkSchema = namedUserSchema.extend({ type: z.enum(['signup', 'magiclink', 'recovery']) })

export const linkTypeSchema = z.enum(['signup', 'invite', 'magiclink', 'recovery', 'email_change_current', 'email_change_new'])

export const createLinkSchema = z.strictObject({
  type: linkTypeSchema,
  email,
  /** For a change of address. */
  newEmail: email.optional(),
  /** For a sign-up. */
  password: z.string().max(72).optional(),
  userMetadata: metadata.optional(),
  redirectTo: redirectTo.optional(),
})

/** A link that would otherwise have been mailed: whoever opens it is signed in as the user. */
export const createdLinkSchema = z.object({
  userId: z.guid(),
  actionLink: z.string(),
  emailOtp: z.string(),
  hashedToken: z.string(),
  verificationType: linkTypeSchema,
  redirectTo: z.string(),
})

/** One session of a user. */
export const userSessionSchema = z.object({
  id: z.guid(),
  createdAt: z.date().nullable(),
  refreshedAt: z.date().nullable(),
  /** When it ends whatever happens. */
  notAfter: z.date().nullable(),
  aal: z.string().nullable(),
  /** How the user has proven who they are, the latest first. */
  methods: z.string().array(),
  userAgent: z.string().nullable(),
  ip: z.string().nullable(),
})

/** Without `sessionId` all of the user's sessions end. */
export const endUserSessionsSchema = namedUserSchema.extend({ sessionId: z.guid().optional() })

/** An access token with which a member sees what a user sees. */
export const impersonationSchema = z.object({ accessToken: z.string(), expiresAt: z.date() })

export const listAuthEventsSchema = z.strictObject({
  /** From 1. */
  page: z.number().int().min(1).max(100_000).default(1),
  perPage: z.number().int().min(1).max(200).default(50),
  /** Of one user only, whoever acted. */
  userId: z.guid().optional(),
  /** Part of an action's name or of its actor's. */
  search: z.string().max(254).optional(),
})

/** What happened to a project's users, by GoTrue's names. */
export const authEventSchema = z.object({
  id: z.string(),
  action: z.string(),
  actorId: z.string().nullable(),
  actorName: z.string().nullable(),
  traits: z.record(z.string(), z.unknown()),
  ipAddress: z.string(),
  createdAt: z.date(),
})

export const authEventPageSchema = z.object({ events: authEventSchema.array(), total: z.number().int() })
