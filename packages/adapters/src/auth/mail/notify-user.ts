import type { AuthSettings } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import type { AuthParts } from '../auth-parts.ts'
import type { AuthUser } from '../auth-user.ts'
import { sendMail, type MailOrder, type NotificationTemplate } from './send-mail.ts'

const SWITCHES = {
  password_changed_notification: 'mailerNotificationsPasswordChangedEnabled',
  email_changed_notification: 'mailerNotificationsEmailChangedEnabled',
  phone_changed_notification: 'mailerNotificationsPhoneChangedEnabled',
  identity_linked_notification: 'mailerNotificationsIdentityLinkedEnabled',
  identity_unlinked_notification: 'mailerNotificationsIdentityUnlinkedEnabled',
  mfa_factor_enrolled_notification: 'mailerNotificationsMfaFactorEnrolledEnabled',
  mfa_factor_unenrolled_notification: 'mailerNotificationsMfaFactorUnenrolledEnabled',
} as const satisfies Record<NotificationTemplate, keyof AuthSettings>

/**
 * Tells a user what has changed, where the project wants them told; nobody waits for it, and what it tells of stays as it is when
 * the mail cannot be sent. `to` where it is not the user's address of now.
 */
export function notifyUser(
  parts: AuthParts,
  project: ProjectScope,
  action: NotificationTemplate,
  { user, to = user.email, more, ip }: { user: AuthUser; to?: string | null; more?: MailOrder['more']; ip: string | null },
): void {
  if (!project.configuration.auth[SWITCHES[action]] || to === null || to === '') return
  parts.background.run(project.ref, () =>
    sendMail(parts, project, { action, user, recipients: [{ to, code: '', token: '' }], redirectTo: '', ...(more && { more }), ip }),
  )
}
