import { ServiceError } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import type { OutgoingClient } from '../../outgoing/index.ts'
import { insertInboxMessage } from '../queries/inbox.ts'
import { sendByTwilio } from './twilio.ts'

/** How a message reaches a phone. */
export type SmsChannel = 'sms' | 'whatsapp'

export interface SmsMessage {
  /** E.164 without its plus sign. */
  phone: string
  text: string
  /** The code that the text has, for providers that fill in a text of their own. */
  code: string
  channel: SmsChannel
}

/** Brings text messages to where the project's settings say. */
export interface SmsSender {
  /** The provider's id of the message; empty where it goes into the project's inbox. Throws `auth.sms_failed`, `auth.sms_unconfigured`. */
  send(project: ProjectScope, message: SmsMessage): Promise<string>
}

/** One provider; what it takes comes from the project's settings and secrets. */
export type SmsProvider = (outgoing: OutgoingClient, project: ProjectScope, message: SmsMessage) => Promise<string>

const PROVIDERS: Record<'twilio', SmsProvider> = { twilio: sendByTwilio }

export function createSmsSender(outgoing: OutgoingClient): SmsSender {
  return {
    async send(project, message) {
      const { smsProvider } = project.configuration.auth
      if (smsProvider !== '') return PROVIDERS[smsProvider](outgoing, project, message)
      if (message.channel !== 'sms') throw new ServiceError('auth.sms_unconfigured')
      await project.db.asOwner((tx) =>
        insertInboxMessage(tx, {
          channel: 'sms',
          recipient: `+${message.phone}`,
          kind: 'code',
          subject: '',
          content: message.text,
          failure: null,
        }),
      )
      return ''
    },
  }
}
