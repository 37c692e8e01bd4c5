import type { AuthSettings } from '@polder/core'

/** OAuth providers that GoTrue lists; none is available yet. */
const PROVIDERS = [
  'apple', 'azure', 'bitbucket', 'discord', 'facebook', 'snapchat', 'figma', 'fly', 'github', 'gitlab', 'google', 'keycloak', 'kakao',
  'linkedin', 'linkedin_oidc', 'notion', 'spotify', 'slack', 'slack_oidc', 'workos', 'twitch', 'twitter', 'zoom',
] // prettier-ignore

/** What a project's auth service can do, as GoTrue tells it to everybody. */
export function toSettingsJson(settings: AuthSettings): Record<string, unknown> {
  const external = Object.fromEntries(PROVIDERS.map((provider) => [provider, false]))
  return {
    external: {
      anonymous_users: settings.externalAnonymousUsersEnabled,
      ...external,
      email: settings.externalEmailEnabled,
      phone: settings.externalPhoneEnabled,
    },
    disable_signup: settings.disableSignup,
    mailer_autoconfirm: settings.mailerAutoconfirm,
    phone_autoconfirm: settings.smsAutoconfirm,
    sms_provider: settings.smsProvider,
    saml_enabled: false,
    saml_private_key_next_configured: false,
    passkeys_enabled: false,
  }
}
