import type { Observe } from '@polder/core'
import type { Background } from './background.ts'
import type { Captcha } from './captcha.ts'
import type { Hooks } from './hooks/hooks.ts'
import type { LeakedPasswords } from './leaked-passwords.ts'
import type { Mailer } from './mail/mailer.ts'
import type { PasswordHasher } from './password.ts'
import type { SmsSender } from './sms/sms-sender.ts'
import type { WindowCounter } from './window-counter.ts'

/** What the flows share; made once a process, so that bounds and counts hold for all projects together. */
export interface AuthParts {
  passwords: PasswordHasher
  leaked: LeakedPasswords
  hooks: Hooks
  captcha: Captcha
  mailer: Mailer
  sms: SmsSender
  /** Mails and messages of an hour, by project. */
  sent: { mails: WindowCounter; messages: WindowCounter }
  /** Requests for mail, by project and address: of people who exist and of others alike. */
  asked: WindowCounter
  background: Background
  observe: Observe
}
