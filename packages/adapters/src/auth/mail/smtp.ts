import { ServiceError } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import { createTransport } from 'nodemailer'
import { isPublicAddress, type AddressGuard } from '../../outgoing/index.ts'
import type { MailMessage } from './mailer.ts'
import { toPlainText } from './plain-text.ts'

/** A mail as the transport takes it. */
export interface SmtpMessage {
  from: { name: string; address: string }
  to: { name: string; address: string }
  subject: string
  html: string
  text: string
}

export function toSmtpMessage(project: ProjectScope, { to, subject, html }: MailMessage): SmtpMessage {
  const { smtpAdminEmail, smtpSenderName } = project.configuration.auth
  return {
    from: { name: smtpSenderName, address: smtpAdminEmail },
    // an object and not a text, so that no comma or bracket in it makes two recipients
    to: { name: '', address: to },
    subject,
    html,
    text: toPlainText(html),
  }
}

const CONNECT_MS = 10_000
const SILENCE_MS = 20_000

/**
 * Hands a mail to the project's SMTP server: TLS from the start on port 465, by STARTTLS elsewhere where the server offers it. The
 * password only travels encrypted, except within the operator's own networks.
 */
export async function sendBySmtp(guard: AddressGuard, project: ProjectScope, message: SmtpMessage): Promise<void> {
  const { smtpHost, smtpPort, smtpUser, smtpAdminEmail } = project.configuration.auth
  if (smtpAdminEmail === '') throw new ServiceError('auth.mail_failed', { message: 'The sender address (smtpAdminEmail) is missing.' })
  const [found] = await guard.resolve(smtpHost, smtpPort)
  const { address } = found!
  const pass = project.secrets.find('smtp_pass') ?? ''
  const transport = createTransport({
    // what the guard has seen is what is connected to
    host: address,
    port: smtpPort,
    secure: smtpPort === 465,
    requireTLS: smtpUser !== '' && isPublicAddress(address),
    tls: { servername: smtpHost },
    name: smtpAdminEmail.split('@')[1] ?? 'localhost',
    ...(smtpUser === '' ? {} : { auth: { user: smtpUser, pass } }),
    connectionTimeout: CONNECT_MS,
    greetingTimeout: CONNECT_MS,
    socketTimeout: SILENCE_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  try {
    await transport.sendMail(message)
  } finally {
    transport.close()
  }
}
