import { isServiceError, ServiceError } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import type { OutgoingClient } from '../../outgoing/index.ts'
import type { SmsMessage } from './sms-sender.ts'

/**
 * Sends by Twilio's API of 2010-04-01, or by what answers as it does. Throws `auth.sms_unconfigured` where the settings are not
 * whole, `auth.sms_failed` with the provider's words.
 */
export async function sendByTwilio(outgoing: OutgoingClient, project: ProjectScope, message: SmsMessage): Promise<string> {
  const { smsTwilioUrl, smsTwilioAccountSid: account, smsTwilioMessageServiceSid: sender } = project.configuration.auth
  const token = project.secrets.find('sms_twilio_auth_token')
  if (account === '' || sender === '' || token === undefined) throw new ServiceError('auth.sms_unconfigured')
  const answer = await outgoing
    .send({
      url: `${smsTwilioUrl.replace(/\/$/, '')}/2010-04-01/Accounts/${encodeURIComponent(account)}/Messages.json`,
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`${account}:${token}`).toString('base64')}`,
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: toForm(project, sender, message).toString(),
    })
    .catch((cause: unknown) => {
      throw failed(isServiceError(cause) ? cause.message : 'the provider cannot be reached', cause)
    })
  const body = parseBody(answer.body)
  if (answer.status !== 200 && answer.status !== 201) throw failed(toWords(body.message) ?? `status ${answer.status}`)
  if (body.status === 'failed' || body.status === 'undelivered') throw failed(toWords(body.error_message) ?? body.status)
  return typeof body.sid === 'string' ? body.sid.slice(0, 100) : ''
}

function toForm(project: ProjectScope, sender: string, { phone, text, code, channel }: SmsMessage): URLSearchParams {
  if (channel === 'sms') return new URLSearchParams({ To: `+${phone}`, Channel: channel, From: sender, Body: text })
  const { smsTwilioContentSid: template } = project.configuration.auth
  const isNumber = /^\+?[1-9][0-9 ]{1,18}$/.test(sender)
  const form = new URLSearchParams({ To: `${channel}:+${phone}`, Channel: channel, From: isNumber ? `${channel}:${sender}` : sender })
  if (template === '') form.set('Body', text)
  else {
    form.set('ContentSid', template)
    form.set('ContentVariables', JSON.stringify({ 1: code }))
  }
  return form
}

function parseBody(body: Buffer): Record<string, unknown> {
  try {
    return Object(JSON.parse(body.toString('utf8'))) as Record<string, unknown>
  } catch {
    return {}
  }
}

function toWords(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value.slice(0, 300) : undefined
}

function failed(reason: string, cause?: unknown): ServiceError {
  return new ServiceError('auth.sms_failed', { message: reason, cause })
}
