import { randomUUID } from 'node:crypto'
import type { AuthUser } from '../auth-user.ts'
import { toUserJson } from '../user-json.ts'

/** GoTrue's words for the hook that is called. */
type WireName = 'send-sms' | 'send-email' | 'customize-access-token' | 'mfa-verification' | 'password-verification' | 'before-user-created'

/** What every payload begins with. */
function toMetadata(name: WireName, ip: string | null): object {
  return { metadata: { uuid: randomUUID(), time: new Date().toISOString(), name, ...(ip === null ? {} : { ip_address: ip }) } }
}

export function toBeforeUserCreatedPayload(user: AuthUser, ip: string | null): object {
  return { ...toMetadata('before-user-created', ip), user: toUserJson(user) }
}

export function toAccessTokenPayload(userId: string, claims: object, method: string, ip: string | null): object {
  return { ...toMetadata('customize-access-token', ip), user_id: userId, claims, authentication_method: method }
}

export function toPasswordAttemptPayload(userId: string, isRight: boolean, ip: string | null): object {
  return { ...toMetadata('password-verification', ip), user_id: userId, valid: isRight }
}

/** For whoever checks second factors. */
export function toMfaAttemptPayload(
  attempt: { userId: string; factorId: string; factorType: string; isRight: boolean },
  ip: string | null,
): object {
  const { userId, factorId, factorType, isRight } = attempt
  return { ...toMetadata('mfa-verification', ip), user_id: userId, factor_id: factorId, factor_type: factorType, valid: isRight }
}

/** What a mail is about, as hooks that send mail get it. */
export interface EmailData {
  token: string
  token_hash: string
  redirect_to: string
  email_action_type: string
  site_url: string
  token_new: string
  token_hash_new: string
  old_email: string
  old_phone: string
  provider: string
  factor_type: string
}

export function toSendEmailPayload(user: AuthUser, data: EmailData, ip: string | null): object {
  return { ...toMetadata('send-email', ip), user: toUserJson(user), email_data: data }
}

export function toSendSmsPayload(user: AuthUser, message: { otp: string; phone: string }, ip: string | null): object {
  return { ...toMetadata('send-sms', ip), user: toUserJson(user), sms: message }
}
