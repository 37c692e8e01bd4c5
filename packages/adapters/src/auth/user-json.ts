import type { AuthIdentity, AuthUser } from './auth-user.ts'

/** GoTrue's JSON of a user, as apps and hooks get it; times that are not set are left out, `phone` and `email` never are. */
export function toUserJson(user: AuthUser): Record<string, unknown> {
  return {
    id: user.id,
    aud: user.audience,
    role: user.role ?? '',
    email: user.email ?? '',
    ...times({ email_confirmed_at: user.emailConfirmedAt, invited_at: user.invitedAt }),
    phone: user.phone ?? '',
    ...times({
      phone_confirmed_at: user.phoneConfirmedAt,
      confirmation_sent_at: user.confirmationSentAt,
      confirmed_at: user.confirmedAt,
      recovery_sent_at: user.recoverySentAt,
    }),
    ...(user.newEmail === null ? {} : { new_email: user.newEmail }),
    ...times({ email_change_sent_at: user.emailChangeSentAt }),
    ...(user.newPhone === null ? {} : { new_phone: user.newPhone }),
    ...times({
      phone_change_sent_at: user.phoneChangeSentAt,
      reauthentication_sent_at: user.reauthenticationSentAt,
      last_sign_in_at: user.lastSignInAt,
    }),
    app_metadata: user.appMetadata,
    user_metadata: user.userMetadata,
    identities: user.identities.map(toIdentityJson),
    created_at: toTime(user.createdAt),
    updated_at: toTime(user.updatedAt),
    ...times({ banned_until: user.bannedUntil, deleted_at: user.deletedAt }),
    is_anonymous: user.isAnonymous,
  }
}

function toIdentityJson(identity: AuthIdentity): Record<string, unknown> {
  return {
    identity_id: identity.id,
    id: identity.providerId,
    user_id: identity.userId,
    identity_data: identity.data,
    provider: identity.provider,
    ...times({ last_sign_in_at: identity.lastSignInAt }),
    created_at: toTime(identity.createdAt ?? new Date(0)),
    updated_at: toTime(identity.updatedAt ?? new Date(0)),
    ...(identity.email === null ? {} : { email: identity.email }),
  }
}

function times(values: Record<string, Date | null>): Record<string, string> {
  const set = Object.entries(values).filter((entry): entry is [string, Date] => entry[1] !== null)
  return Object.fromEntries(set.map(([name, date]) => [name, toTime(date)]))
}

/** RFC 3339 has four digits for the year. */
function toTime(date: Date): string {
  const year = date.getUTCFullYear()
  if (year > 9999) return '9999-12-31T23:59:59.999Z'
  return year < 0 ? '0001-01-01T00:00:00Z' : date.toISOString()
}
