import { ServiceError, type HookName } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import type { OutgoingClient } from '../../outgoing/index.ts'
import { callHttpHook } from './http-hook.ts'
import { callSqlHook } from './sql-hook.ts'

/** Where the settings have each hook, and which secret signs its calls. */
const PLACES = {
  before_user_created: ['hookBeforeUserCreatedEnabled', 'hookBeforeUserCreatedUri', 'hook_before_user_created_secrets'],
  custom_access_token: ['hookCustomAccessTokenEnabled', 'hookCustomAccessTokenUri', 'hook_custom_access_token_secrets'],
  mfa_verification_attempt: ['hookMfaVerificationAttemptEnabled', 'hookMfaVerificationAttemptUri', 'hook_mfa_verification_attempt_secrets'],
  password_verification_attempt: [
    'hookPasswordVerificationAttemptEnabled',
    'hookPasswordVerificationAttemptUri',
    'hook_password_verification_attempt_secrets',
  ],
  send_email: ['hookSendEmailEnabled', 'hookSendEmailUri', 'hook_send_email_secrets'],
  send_sms: ['hookSendSmsEnabled', 'hookSendSmsUri', 'hook_send_sms_secrets'],
} as const

/** Runs what a project has put at these moments. */
export interface Hooks {
  isEnabled(project: ProjectScope, name: HookName): boolean
  /**
   * The hook's answer: an object, empty where it said nothing. Throws `auth.hook_rejected` with the status that the hook chose,
   * `auth.hook_failed`, `auth.hook_timeout` and `auth.hook_answer_invalid`. Holds no connection of the platform while it waits.
   */
  call(project: ProjectScope, name: HookName, input: object): Promise<Record<string, unknown>>
}

export function createHooks(outgoing: OutgoingClient): Hooks {
  return {
    isEnabled: (project, name) => project.configuration.auth[PLACES[name][0]],
    async call(project, name, input) {
      const [, uriSetting, secrets] = PLACES[name]
      const uri = project.configuration.auth[uriSetting]
      const payload = JSON.stringify(input)
      const text = uri.startsWith('pg-functions:')
        ? await callSqlHook(project, uri, payload)
        : await callHttpHook(outgoing, uri, payload, project.secrets.find(secrets))
      const answer = parseAnswer(text)
      requireNoError(answer)
      return answer
    },
  }
}

function parseAnswer(text: string | null): Record<string, unknown> {
  if (text === null || text === '') return {}
  try {
    const value: unknown = JSON.parse(text)
    if (value === null) return {}
    if (typeof value === 'object' && !Array.isArray(value)) return value as Record<string, unknown>
  } catch {
    // said below
  }
  throw new ServiceError('auth.hook_failed', { message: 'Error unmarshaling JSON output.' })
}

/** A hook refuses by `{"error": {"http_code": 403, "message": "…"}}`. */
function requireNoError({ error }: Record<string, unknown>): void {
  if (typeof error !== 'object' || error === null) return
  const { http_code: code, message } = error as { http_code?: unknown; message?: unknown }
  if (typeof message !== 'string' || message === '') return
  const status = typeof code === 'number' && code >= 400 && code <= 599 ? code : 500
  throw new ServiceError('auth.hook_rejected', { message: message.slice(0, 1_000), details: { status } })
}
