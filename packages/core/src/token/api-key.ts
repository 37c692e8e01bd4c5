/** Prefix of opaque keys that may be published, as supabase-js knows it. */
export const PUBLISHABLE_KEY_PREFIX = 'sb_publishable_'

/** Prefix of opaque keys that must stay secret, as supabase-js knows it. */
export const SECRET_KEY_PREFIX = 'sb_secret_'

/** Prefix of personal access tokens of accounts. */
export const ACCESS_TOKEN_PREFIX = 'plr_'
