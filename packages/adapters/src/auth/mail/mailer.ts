import { ServiceError, type MailTemplate } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import type { AddressGuard } from '../../outgoing/index.ts'
import { insertInboxMessage } from '../queries/inbox.ts'
import { sendBySmtp, toSmtpMessage } from './smtp.ts'

/** One mail, ready to be sent. */
export interface MailMessage {
  template: MailTemplate | 'test'
  to: string
  subject: string
  html: string
}

/** Brings mail to where the project's settings say. */
export interface Mailer {
  /**
   * Sends by the project's SMTP server, or puts the mail into the project's inbox where it has none. A mail that the server does not
   * take lies in the inbox too, with the reason. Throws `auth.mail_failed`.
   */
  send(project: ProjectScope, message: MailMessage): Promise<void>
}

/** SMTP servers pass the guard as other addresses that projects name do. */
export function createMailer(guard: AddressGuard): Mailer {
  return {
    async send(project, message) {
      if (project.configuration.auth.smtpHost === '') return await keep(project, message, null)
      try {
        await sendBySmtp(guard, project, toSmtpMessage(project, message))
      } catch (cause) {
        const failure = toReason(cause)
        await keep(project, message, failure)
        throw new ServiceError('auth.mail_failed', {
          message: `Error sending ${toName(message.template)} email`,
          details: { failure },
          cause,
        })
      }
    },
  }
}

async function keep(project: ProjectScope, { template, to, subject, html }: MailMessage, failure: string | null): Promise<void> {
  await project.db.asOwner((tx) =>
    insertInboxMessage(tx, { channel: 'email', recipient: to, kind: template, subject, content: html, failure }),
  )
}

/** What the server, or the way to it, said: a line that may be shown. */
function toReason(error: unknown): string {
  const { message, response } = error as { message?: string; response?: string }
  const text = response ?? message ?? 'unknown'
  return text
    .toWellFormed()
    .replaceAll(/[^\P{Cc}]+/gu, ' ')
    .slice(0, 500)
}

/** GoTrue's names, in its sentences. */
function toName(template: MailMessage['template']): string {
  return template.replace(/^email_change$/, 'email change').replaceAll('_', ' ')
}
