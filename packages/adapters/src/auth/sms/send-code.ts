import { isServiceError, ServiceError } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import type { AuthParts } from '../auth-parts.ts'
import type { AuthUser } from '../auth-user.ts'
import { toSendSmsPayload } from '../hooks/hook-payloads.ts'
import { renderText } from '../mail/render-template.ts'
import { hashCode, makeCode } from '../one-time-code.ts'
import { toStoredPhone } from '../phone-number.ts'
import { storeTokens, withdrawTokens, type TokenToStore } from '../queries/one-time-tokens.ts'
import type { SmsChannel } from './sms-sender.ts'

export interface CodeOrder {
  user: AuthUser
  phone: string
  kind: 'confirmation' | 'phoneChange' | 'reauthentication'
  channel: SmsChannel
  ip: string | null
}

/** GoTrue's words for what a code is for. */
const PURPOSES = { confirmation: 'confirmation', phoneChange: 'phone_change', reauthentication: 'reauthentication' } as const

/**
 * Sends a code to a number and keeps its hash; answers the provider's id of the message. Test numbers get the code of the settings,
 * and nothing is sent. Throws `auth.sms_sent_recently`, `auth.sms_rate_limited`, `auth.sms_failed`, `auth.sms_unconfigured`.
 */
export async function sendCode(parts: AuthParts, project: ProjectScope, order: CodeOrder): Promise<string> {
  const { smsMaxFrequency, smsOtpLength } = project.configuration.auth
  const { user, phone, kind } = order
  const testCode = findTestCode(project, phone)
  const code = testCode ?? makeCode(smsOtpLength)
  const token: TokenToStore = { kind, token: hashCode(phone, code), relatesTo: phone }
  const change = kind === 'phoneChange' ? { phone } : {}
  const outcome = await project.db.asOwner((tx) => storeTokens(tx, user.id, [token], { waitSeconds: smsMaxFrequency, change }))
  if (outcome === undefined) throw new ServiceError('auth.user_not_found')
  if (outcome !== 'stored') throw sentRecently(outcome.secondsLeft)
  if (testCode !== undefined) return 'test-otp'
  try {
    return await deliver(parts, project, order, code)
  } catch (error) {
    await project.db.asOwner((tx) => withdrawTokens(tx, user.id, [token]))
    throw error
  }
}

async function deliver(parts: AuthParts, project: ProjectScope, order: CodeOrder, code: string): Promise<string> {
  const { user, phone, kind, channel, ip } = order
  const { rateLimitSmsSent, smsTemplate } = project.configuration.auth
  const secondsLeft = parts.sent.messages.take(project.ref, rateLimitSmsSent)
  if (secondsLeft !== undefined) throw new ServiceError('auth.sms_rate_limited', { details: { retryAfterSeconds: secondsLeft } })
  if (parts.hooks.isEnabled(project, 'send_sms')) {
    await parts.hooks.call(project, 'send_sms', toSendSmsPayload(user, { otp: code, phone }, ip))
    return ''
  }
  try {
    return await parts.sms.send(project, { phone, text: renderText(smsTemplate, { Code: code }), code, channel })
  } catch (error) {
    if (!isServiceError(error, 'auth.sms_failed')) throw error
    throw new ServiceError('auth.sms_failed', {
      message: `Error sending ${PURPOSES[kind]} OTP to provider: ${error.message}`,
      cause: error,
    })
  }
}

/** The code that works for the number without a message, if the project has one for it. */
export function findTestCode(project: ProjectScope, phone: string): string | undefined {
  const { smsTestOtp, smsTestOtpValidUntil } = project.configuration.auth
  if (smsTestOtpValidUntil !== null && Date.parse(smsTestOtpValidUntil) <= Date.now()) return undefined
  return Object.entries(smsTestOtp).find(([number]) => toStoredPhone(number) === phone)?.[1]
}

/** The channel that a request names. Throws `auth.validation_failed` for one that the project has not. */
export function parseChannel(parts: AuthParts, project: ProjectScope, text: string): SmsChannel {
  const channel = text === '' ? 'sms' : text
  // a hook that sends does not hear of the channel
  if (parts.hooks.isEnabled(project, 'send_sms')) return 'sms'
  if (channel === 'sms' || (channel === 'whatsapp' && project.configuration.auth.smsProvider === 'twilio')) return channel
  throw new ServiceError('auth.validation_failed', {
    message:
      "Invalid channel, supported values are 'sms' or 'whatsapp'. 'whatsapp' is only supported if Twilio or Twilio Verify is used as the provider.",
  })
}

function sentRecently(seconds: number): ServiceError {
  return new ServiceError('auth.sms_sent_recently', {
    message: `For security purposes, you can only request this after ${seconds} seconds.`,
    details: { retryAfterSeconds: Math.max(1, seconds) },
  })
}
