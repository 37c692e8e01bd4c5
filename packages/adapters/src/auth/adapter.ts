import { DEFAULT_AUTH_SETTINGS, type MailTemplate, type Observe } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import { createAddressGuard, createOutgoingClient, type AddressGuard, type OutgoingClient } from '../outgoing/index.ts'
import * as adminUsers from './admin-users.ts'
import { listAuditEntries, type ListAuditInput } from './audit-log.ts'
import type { AuthParts } from './auth-parts.ts'
import { createBackground } from './background.ts'
import { createCaptcha, type Captcha } from './captcha.ts'
import { changeUsers } from './change-users.ts'
import { getUser, signOut, type SignOutScope } from './current-user.ts'
import { deleteUser, type DeleteUserInput } from './delete-user.ts'
import { exchangeCode, type ExchangeInput } from './exchange-code.ts'
import { createFirstUser, type FirstUserInput } from './first-user.ts'
import { generateLink, type GenerateLinkInput } from './generate-link.ts'
import { createHooks } from './hooks/hooks.ts'
import { impersonateUser } from './impersonate.ts'
import { clearInbox, getInboxMessage, listInboxMessages } from './inbox.ts'
import { inviteUser, type InviteUserInput } from './invite-user.ts'
import { createLeakedPasswords, type LeakedPasswords } from './leaked-passwords.ts'
import { listUsers, type ListUsersInput } from './list-users.ts'
import { listMailTemplates, type MailText } from './mail/mail-templates.ts'
import { createMailer } from './mail/mailer.ts'
import { previewMail, sendTestMail } from './mail/preview-mail.ts'
import { createPasswordHasher, toPasswordCost, type PasswordHasher } from './password.ts'
import { reauthenticate } from './reauthenticate.ts'
import { recover, type RecoverInput } from './recover.ts'
import { refreshSession, type RefreshInput } from './refresh-session.ts'
import { requestEmailOtp, requestPhoneOtp, type EmailOtpInput, type PhoneOtpInput } from './request-otp.ts'
import { requireAdmin } from './require-user.ts'
import { resend, type ResendInput } from './resend.ts'
import { sendUserLink, type SendUserLinkInput } from './send-user-link.ts'
import { signInWithPassword, type SignInInput } from './sign-in.ts'
import { signUpAnonymously } from './sign-up-anonymously.ts'
import { signUp, type SignUpInput } from './sign-up.ts'
import { createSmsSender } from './sms/sms-sender.ts'
import { updateCurrentUser, type UpdateUserInput } from './update-user.ts'
import { endUserSessions, listUserSessions } from './user-sessions.ts'
import type { ClientFacts } from './user-session.ts'
import { followLink, verify, type VerifyInput } from './verify.ts'
import { createWindowCounter } from './window-counter.ts'

export interface AuthAdapterDependencies {
  /** One for the whole process, so that its bound holds for all projects together. */
  passwords?: PasswordHasher
  /** Where SMTP servers of projects may stand. */
  guard?: AddressGuard
  /** For hooks, providers of text messages, captchas. */
  outgoing?: OutgoingClient
  captcha?: Captcha
  leaked?: LeakedPasswords
  observe?: Observe
}

export type AuthAdapter = ReturnType<typeof createAuthAdapter>

const HOUR = 3_600

/** What can be done with a project's users. The first group asks who the caller is by their token; the second takes administrators only. */
export function createAuthAdapter(dependencies: AuthAdapterDependencies = {}) {
  const parts = toParts(dependencies)
  return {
    signUp: (project: ProjectScope, input: SignUpInput) => signUp(parts, project, input),
    signUpAnonymously: (project: ProjectScope, input: Parameters<typeof signUpAnonymously>[2]) => signUpAnonymously(parts, project, input),
    signIn: (project: ProjectScope, input: SignInInput) => signInWithPassword(parts, project, input),
    requestEmailOtp: (project: ProjectScope, input: EmailOtpInput) => requestEmailOtp(parts, project, input),
    requestPhoneOtp: (project: ProjectScope, input: PhoneOtpInput) => requestPhoneOtp(parts, project, input),
    recover: (project: ProjectScope, input: RecoverInput) => recover(parts, project, input),
    resend: (project: ProjectScope, input: ResendInput) => resend(parts, project, input),
    verify: (project: ProjectScope, input: VerifyInput) => verify(parts, project, input),
    followLink: (project: ProjectScope, input: Parameters<typeof followLink>[2]) => followLink(parts, project, input),
    exchangeCode: (project: ProjectScope, input: ExchangeInput) => exchangeCode(parts, project, input),
    refreshSession: (project: ProjectScope, input: RefreshInput) => refreshSession(parts, project, input),
    /** Throws where the project wants a person to ask, and nothing shows that one does. */
    requireCaptcha: (project: ProjectScope, token: string, ip: string | null) => parts.captcha.require(project, token, ip),

    getUser: (project: ProjectScope) => getUser(project),
    updateUser: (project: ProjectScope, input: UpdateUserInput) => updateCurrentUser(parts, project, input),
    reauthenticate: (project: ProjectScope, input: { client: ClientFacts }) => reauthenticate(parts, project, input),
    signOut: (project: ProjectScope, input: { scope: SignOutScope; client: ClientFacts }) => signOut(project, input),

    listUsers: (project: ProjectScope, input: ListUsersInput) => listUsers(project, input),
    getUserById: (project: ProjectScope, userId: string) => adminUsers.getUserById(project, userId),
    createUser: (project: ProjectScope, input: adminUsers.CreateUserInput) => adminUsers.createUser(parts, project, input),
    updateUserById: (project: ProjectScope, userId: string, input: adminUsers.UpdateUserByIdInput) =>
      adminUsers.updateUserById(parts, project, userId, input),
    deleteUser: (project: ProjectScope, input: DeleteUserInput) => deleteUser(project, input),
    changeUsers: (project: ProjectScope, input: Parameters<typeof changeUsers>[2]) => changeUsers(parts, project, input),
    inviteUser: (project: ProjectScope, input: InviteUserInput) => inviteUser(parts, project, input),
    generateLink: (project: ProjectScope, input: GenerateLinkInput) => generateLink(parts, project, input),
    sendUserLink: (project: ProjectScope, input: SendUserLinkInput) => sendUserLink(parts, project, input),
    impersonateUser: (project: ProjectScope, input: { userId: string; client: ClientFacts }) => impersonateUser(parts, project, input),
    listUserSessions: (project: ProjectScope, userId: string) => listUserSessions(project, userId),
    endUserSessions: (project: ProjectScope, input: { userId: string; sessionId?: string }) => endUserSessions(project, input),
    listAuditEntries: (project: ProjectScope, input: ListAuditInput) => listAuditEntries(project, input),
    requireAdmin: (project: ProjectScope) => requireAdmin(project),

    listInboxMessages: (project: ProjectScope, input: Parameters<typeof listInboxMessages>[1]) => listInboxMessages(project, input),
    getInboxMessage: (project: ProjectScope, id: string) => getInboxMessage(project, id),
    clearInbox: (project: ProjectScope, id?: string) => clearInbox(project, id),
    listMailTemplates: (project: ProjectScope) => listMailTemplates(project.configuration.auth),
    previewMail: (project: ProjectScope, template: MailTemplate, text?: Partial<MailText>) => previewMail(project, template, text),
    sendTestMail: (project: ProjectScope, to: string) => sendTestMail(parts.mailer, project, to),

    createFirstUser: (project: ProjectScope, input: FirstUserInput) => createFirstUser(parts, project, input),
    /** Begins a hash for `createFirstUser`. */
    hashPassword: (password: string) => parts.passwords.hash(password, toPasswordCost(DEFAULT_AUTH_SETTINGS)),
    /** Waits until everything that was begun in the background has ended. */
    settle: () => parts.background.settle(),
  }
}

function toParts(dependencies: AuthAdapterDependencies): AuthParts {
  const { observe = () => {}, guard = createAddressGuard(), passwords = createPasswordHasher() } = dependencies
  const { outgoing = createOutgoingClient({ guard }) } = dependencies
  return {
    passwords,
    leaked: dependencies.leaked ?? createLeakedPasswords(outgoing),
    hooks: createHooks(outgoing),
    captcha: dependencies.captcha ?? createCaptcha(outgoing),
    mailer: createMailer(guard),
    sms: createSmsSender(outgoing),
    sent: { mails: createWindowCounter(HOUR), messages: createWindowCounter(HOUR) },
    asked: createWindowCounter(60),
    background: createBackground(observe),
    observe,
  }
}
