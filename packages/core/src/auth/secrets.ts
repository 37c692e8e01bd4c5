import { z } from 'zod'
import { isPlainText } from '../plain-text.ts'

const text = z.string().min(1).max(1_000).refine(isPlainText, 'has control characters').nullable()

/** Signing secrets of standard webhooks, the newest first; a hook's calls carry a signature by each. */
const hookSecrets = z
  .string()
  .max(1_000)
  .regex(/^v1,whsec_[A-Za-z0-9+/=]{32,88}(?:\|v1,whsec_[A-Za-z0-9+/=]{32,88}){0,4}$/, 'takes v1,whsec_<base64>, several separated by |')
  .nullable()

/** New secrets of a project's auth service; null takes one away. They are never shown again. */
export const updateAuthSecretsSchema = z
  .strictObject({
    smtp_pass: text,
    sms_twilio_auth_token: text,
    security_captcha_secret: text,
    hook_before_user_created_secrets: hookSecrets,
    hook_custom_access_token_secrets: hookSecrets,
    hook_mfa_verification_attempt_secrets: hookSecrets,
    hook_password_verification_attempt_secrets: hookSecrets,
    hook_send_email_secrets: hookSecrets,
    hook_send_sms_secrets: hookSecrets,
  })
  .partial()

export type AuthSecretName = keyof z.infer<typeof updateAuthSecretsSchema>

export const AUTH_SECRET_NAMES = Object.keys(updateAuthSecretsSchema.shape) as AuthSecretName[]

/** Whether a secret is set, and since when; null where it is not. */
export const authSecretStateSchema = z.object({
  name: updateAuthSecretsSchema.keyof(),
  updatedAt: z.date().nullable(),
})
