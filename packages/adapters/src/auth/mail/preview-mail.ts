import type { MailTemplate } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import { toExpectedUser, toNewUser } from '../new-user.ts'
import { hashCode } from '../one-time-code.ts'
import { findMailText, type MailText } from './mail-templates.ts'
import { toPlainText } from './plain-text.ts'
import type { Mailer } from './mailer.ts'
import { renderHtml, renderText, requireTemplate } from './render-template.ts'
import { toHeader, toTemplateValues, type MailAction } from './send-mail.ts'

const EXAMPLE = { email: 'ada@example.com', newEmail: 'ada@new.example.com', phone: '31612345678', code: '314159' }

/** How a mail looks with somebody made up; `text` instead of the project's own. Throws `auth.template_invalid`. */
export function previewMail(
  project: ProjectScope,
  template: MailTemplate,
  text: Partial<MailText> = {},
): { subject: string; html: string; text: string } {
  const { subject, content } = { ...findMailText(project.configuration.auth, template), ...text }
  requireTemplate(subject)
  requireTemplate(content)
  const row = toNewUser({ email: EXAMPLE.email, data: { full_name: 'Ada Lovelace', name: 'Ada' } })
  const user = { ...toExpectedUser(row), newEmail: EXAMPLE.newEmail, phone: EXAMPLE.phone }
  const action = ({ confirmation: 'signup', magic_link: 'magiclink' } as Partial<Record<MailTemplate, MailAction>>)[template] ?? template
  const recipient = { to: EXAMPLE.email, code: EXAMPLE.code, token: hashCode(EXAMPLE.email, EXAMPLE.code) }
  const values = toTemplateValues(
    project,
    {
      action: action as MailAction,
      user,
      redirectTo: project.configuration.auth.siteUrl,
      more: { oldEmail: 'ada@old.example.com', oldPhone: '31687654321', provider: 'github', factorType: 'totp' },
    },
    recipient,
  )
  const html = renderHtml(content, values)
  return { subject: toHeader(renderText(subject, values)), html, text: toPlainText(html) }
}

/** Sends a mail that shows whether the project's mail arrives. Throws `auth.mail_failed`, with what the server said in its details. */
export async function sendTestMail(mailer: Mailer, project: ProjectScope, to: string): Promise<void> {
  await mailer.send(project, {
    template: 'test',
    to,
    subject: `Test mail of ${project.configuration.name}`.replaceAll(/\p{Cc}+/gu, ' '),
    html: '<h2>It works</h2>\n<p>Mail of this project arrives.</p>\n',
  })
}
