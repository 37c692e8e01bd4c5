import { ServiceError, type MailTemplate } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import type { AuthParts } from '../auth-parts.ts'
import type { AuthUser } from '../auth-user.ts'
import { toSendEmailPayload, type EmailData } from '../hooks/hook-payloads.ts'
import { findMailText } from './mail-templates.ts'
import { renderHtml, renderText, type TemplateValues } from './render-template.ts'

/** GoTrue's words for what a mail is about. */
export type MailAction = 'signup' | 'invite' | 'magiclink' | 'recovery' | 'email_change' | 'reauthentication' | NotificationTemplate

export type NotificationTemplate = Extract<MailTemplate, `${string}_notification`>

/** One recipient of a mail, with their own code and link. */
export interface Recipient {
  to: string
  code: string
  /** As it stands in the link: with the flow's prefix. */
  token: string
}

export interface MailOrder {
  action: MailAction
  /** The user as apps and hooks see them. */
  user: AuthUser
  /** One, but for a change of address that both sides must agree to: the new address first. */
  recipients: readonly [Recipient, ...Recipient[]]
  /** Where the link leads in the end; empty for mails without one. */
  redirectTo: string
  /** What the placeholders of notifications stand for. */
  more?: { oldEmail?: string; oldPhone?: string; provider?: string; factorType?: string }
  ip: string | null
}

const TEMPLATES: Partial<Record<MailAction, MailTemplate>> = { signup: 'confirmation', magiclink: 'magic_link' }

/**
 * Sends what a flow has to say to its user: by the project's hook, its SMTP server, or into its inbox. Throws
 * `auth.mail_rate_limited`, `auth.mail_failed` and the errors of hooks.
 */
export async function sendMail(parts: AuthParts, project: ProjectScope, order: MailOrder): Promise<void> {
  const secondsLeft = parts.sent.mails.take(project.ref, project.configuration.auth.rateLimitEmailSent)
  if (secondsLeft !== undefined) throw new ServiceError('auth.mail_rate_limited', { details: { retryAfterSeconds: secondsLeft } })
  if (parts.hooks.isEnabled(project, 'send_email')) {
    await parts.hooks.call(project, 'send_email', toSendEmailPayload(order.user, toEmailData(project, order), order.ip))
    return
  }
  const template = TEMPLATES[order.action] ?? (order.action as MailTemplate)
  const text = findMailText(project.configuration.auth, template)
  for (const recipient of order.recipients) {
    const values = toTemplateValues(project, order, recipient)
    await parts.mailer.send(project, {
      template,
      to: recipient.to,
      subject: toHeader(renderText(text.subject, values)),
      html: renderHtml(text.content, values),
    })
  }
}

/** The link that stands in a mail: it opens the project's own `/verify`. */
export function toActionLink(project: ProjectScope, type: string, token: string, redirectTo: string): string {
  const query = new URLSearchParams({ token, type, redirect_to: redirectTo })
  return `${project.configuration.url}/auth/v1/verify?${query.toString()}`
}

/** What the placeholders of a template stand for. */
export function toTemplateValues(project: ProjectScope, order: Omit<MailOrder, 'ip' | 'recipients'>, recipient: Recipient): TemplateValues {
  const { user, action, redirectTo, more = {} } = order
  return {
    SiteURL: project.configuration.auth.siteUrl,
    ConfirmationURL: recipient.token === '' ? '' : toActionLink(project, action, recipient.token, redirectTo),
    Email: user.email ?? recipient.to,
    NewEmail: user.newEmail ?? '',
    Phone: user.phone ?? '',
    SendingTo: recipient.to,
    Token: recipient.code,
    TokenHash: recipient.token,
    RedirectTo: redirectTo,
    Data: user.userMetadata,
    OldEmail: more.oldEmail ?? '',
    OldPhone: more.oldPhone ?? '',
    Provider: more.provider ?? '',
    FactorType: more.factorType ?? '',
  }
}

function toEmailData(project: ProjectScope, { action, recipients, redirectTo, more = {} }: MailOrder): EmailData {
  const [first, current] = recipients
  return {
    // Of a change that both sides must agree to, GoTrue's payload has the current address's code with the new one's hash, and the
    // other way round; hooks in use know it so.
    token: current === undefined ? first.code : current.code,
    token_hash: first.token,
    token_new: current === undefined ? '' : first.code,
    token_hash_new: current === undefined ? '' : current.token,
    redirect_to: redirectTo,
    email_action_type: action,
    site_url: `${project.configuration.url}/auth/v1`,
    old_email: more.oldEmail ?? '',
    old_phone: more.oldPhone ?? '',
    provider: more.provider ?? '',
    factor_type: more.factorType ?? '',
  }
}

/** A subject is one line. */
export function toHeader(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, 998)
}
