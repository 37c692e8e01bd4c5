import { z } from 'zod'

const SQL_FUNCTION = /^pg-functions:\/\/postgres\/[a-zA-Z_][a-zA-Z0-9_]{0,62}\/[a-zA-Z_][a-zA-Z0-9_]{0,62}$/

function isHookUri(text: string): boolean {
  return text === '' || SQL_FUNCTION.test(text) || /^https?:$/.test(URL.parse(text)?.protocol ?? '')
}

const hookUri = z.string().max(2_000).refine(isHookUri, 'takes pg-functions://postgres/<schema>/<function> or an https URL')

/** What a project has run at certain moments: a function of its database, or a signed call; by GoTrue's names. */
export const hookSettingsSchema = z.object({
  hookBeforeUserCreatedEnabled: z.boolean(),
  hookBeforeUserCreatedUri: hookUri,
  hookCustomAccessTokenEnabled: z.boolean(),
  hookCustomAccessTokenUri: hookUri,
  hookMfaVerificationAttemptEnabled: z.boolean(),
  hookMfaVerificationAttemptUri: hookUri,
  hookPasswordVerificationAttemptEnabled: z.boolean(),
  hookPasswordVerificationAttemptUri: hookUri,
  hookSendEmailEnabled: z.boolean(),
  hookSendEmailUri: hookUri,
  hookSendSmsEnabled: z.boolean(),
  hookSendSmsUri: hookUri,
})

export const DEFAULT_HOOK_SETTINGS: z.infer<typeof hookSettingsSchema> = {
  hookBeforeUserCreatedEnabled: false,
  hookBeforeUserCreatedUri: '',
  hookCustomAccessTokenEnabled: false,
  hookCustomAccessTokenUri: '',
  hookMfaVerificationAttemptEnabled: false,
  hookMfaVerificationAttemptUri: '',
  hookPasswordVerificationAttemptEnabled: false,
  hookPasswordVerificationAttemptUri: '',
  hookSendEmailEnabled: false,
  hookSendEmailUri: '',
  hookSendSmsEnabled: false,
  hookSendSmsUri: '',
}
