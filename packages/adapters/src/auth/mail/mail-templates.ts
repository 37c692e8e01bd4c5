import { mailTemplateSchema, type AuthSettings, type MailTemplate } from '@polder/core'

/** A mail's subject and its HTML, with placeholders such as `{{ .ConfirmationURL }}`. */
export interface MailText {
  subject: string
  content: string
}

const LINK = (label: string) => `<p><a href="{{ .ConfirmationURL }}">${label}</a></p>`
const CODE = (purpose: string) => `<p>Or type this code ${purpose}: <strong>{{ .Token }}</strong></p>`
const NOT_YOU = '<p>If this was not you, somebody may have got into your account: write to us.</p>'
const NOT_ASKED = '<p>If you did not ask for this, do nothing.</p>'

/** What a project sends as long as it has no text of its own. */
export const DEFAULT_MAIL_TEXTS: Record<MailTemplate, MailText> = {
  confirmation: toText('Confirm your address', [
    '<p>Confirm {{ .Email }} to finish signing up:</p>',
    LINK('Confirm address'),
    CODE('to confirm'),
    NOT_ASKED,
  ]),
  invite: toText('You are invited', ['<p>You are invited to {{ .SiteURL }}:</p>', LINK('Accept the invitation'), CODE('to accept')]),
  magic_link: toText('Your link to sign in', ['<p>Sign in with this link:</p>', LINK('Sign in'), CODE('to sign in'), NOT_ASKED]),
  recovery: toText('Choose a new password', ['<p>Choose a new password:</p>', LINK('New password'), CODE('to go on'), NOT_ASKED]),
  email_change: toText('Confirm your new address', [
    '<p>Confirm that your address changes from {{ .Email }} to {{ .NewEmail }}:</p>',
    LINK('Change address'),
    CODE('to confirm'),
    NOT_YOU,
  ]),
  reauthentication: toText('{{ .Token }} confirms that it is you', ['<p>Type this code: <strong>{{ .Token }}</strong></p>', NOT_YOU]),
  password_changed_notification: toText('Your password has changed', ['<p>The password of {{ .Email }} has just changed.</p>', NOT_YOU]),
  email_changed_notification: toText('Your address has changed', [
    '<p>Your address has changed from {{ .OldEmail }} to {{ .Email }}.</p>',
    NOT_YOU,
  ]),
  phone_changed_notification: toText('Your phone number has changed', [
    '<p>Your phone number has changed from {{ .OldPhone }} to {{ .Phone }}.</p>',
    NOT_YOU,
  ]),
  identity_linked_notification: toText('A new way to sign in', ['<p>{{ .Email }} can now sign in with {{ .Provider }} too.</p>', NOT_YOU]),
  identity_unlinked_notification: toText('One way less to sign in', [
    '<p>{{ .Email }} can no longer sign in with {{ .Provider }}.</p>',
    NOT_YOU,
  ]),
  mfa_factor_enrolled_notification: toText('A second factor was added', [
    '<p>A second factor ({{ .FactorType }}) was added to your account.</p>',
    NOT_YOU,
  ]),
  mfa_factor_unenrolled_notification: toText('A second factor was removed', [
    '<p>A second factor ({{ .FactorType }}) was removed from your account.</p>',
    NOT_YOU,
  ]),
}

function toText(subject: string, lines: readonly string[]): MailText {
  const title = subject.startsWith('{{') ? 'It is you?' : subject
  return { subject, content: `<h2>${title}</h2>\n\n${lines.join('\n')}\n` }
}

/** What a project's mail of this kind says. */
export function findMailText(settings: Pick<AuthSettings, 'mailerSubjects' | 'mailerTemplates'>, template: MailTemplate): MailText {
  const { subject, content } = DEFAULT_MAIL_TEXTS[template]
  return { subject: settings.mailerSubjects[template] ?? subject, content: settings.mailerTemplates[template] ?? content }
}

const OF_EVERY = ['SiteURL', 'Email', 'Data'] as const
const OF_LINKS = [...OF_EVERY, 'ConfirmationURL', 'Token', 'TokenHash', 'RedirectTo'] as const

/** What may stand between the braces of each; another name becomes nothing. */
export const MAIL_PLACEHOLDERS: Record<MailTemplate, readonly string[]> = {
  confirmation: OF_LINKS,
  invite: OF_LINKS,
  magic_link: OF_LINKS,
  recovery: OF_LINKS,
  email_change: [...OF_LINKS, 'NewEmail', 'SendingTo'],
  reauthentication: [...OF_EVERY, 'Token'],
  password_changed_notification: OF_EVERY,
  email_changed_notification: [...OF_EVERY, 'OldEmail'],
  phone_changed_notification: [...OF_EVERY, 'OldPhone', 'Phone'],
  identity_linked_notification: [...OF_EVERY, 'Provider'],
  identity_unlinked_notification: [...OF_EVERY, 'Provider'],
  mfa_factor_enrolled_notification: [...OF_EVERY, 'FactorType'],
  mfa_factor_unenrolled_notification: [...OF_EVERY, 'FactorType'],
}

/** Every mail of a project, with the text that comes along and what it may name. */
export function listMailTemplates(settings: Pick<AuthSettings, 'mailerSubjects' | 'mailerTemplates'>) {
  return mailTemplateSchema.options.map((name) => ({
    name,
    ...findMailText(settings, name),
    usual: DEFAULT_MAIL_TEXTS[name],
    placeholders: [...MAIL_PLACEHOLDERS[name]],
  }))
}
