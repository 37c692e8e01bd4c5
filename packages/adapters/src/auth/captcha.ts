import { isServiceError, ServiceError, type AuthSettings } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import type { OutgoingClient } from '../outgoing/index.ts'

/** Where each service checks what its widget gave the browser. */
const CHECKERS: Record<AuthSettings['securityCaptchaProvider'], string> = {
  hcaptcha: 'https://hcaptcha.com/siteverify',
  turnstile: 'https://challenges.cloudflare.com/turnstile/v0/siteverify',
}

/** Checks that a person is asking, where the project wants that. */
export interface Captcha {
  /** Throws `auth.captcha_failed` for a token that is missing or not believed, `auth.captcha_unavailable` where nobody can tell. */
  require(project: ProjectScope, token: string, ip: string | null): Promise<void>
}

export function createCaptcha(outgoing: OutgoingClient, checkers = CHECKERS): Captcha {
  return {
    async require(project, token, ip) {
      const { securityCaptchaEnabled, securityCaptchaProvider } = project.configuration.auth
      if (!securityCaptchaEnabled) return
      if (token === '') throw refused('no captcha_token found')
      const secret = project.secrets.find('security_captcha_secret')
      if (secret === undefined) throw new ServiceError('auth.captcha_unavailable')
      const body = new URLSearchParams({ secret, response: token, ...(ip !== null && { remoteip: ip }) }).toString()
      const headers = { 'content-type': 'application/x-www-form-urlencoded' }
      const answer = await outgoing
        .send({ url: checkers[securityCaptchaProvider], method: 'POST', headers, body })
        .catch((cause: unknown) => {
          if (isServiceError(cause)) throw new ServiceError('auth.captcha_unavailable', { cause })
          throw cause
        })
      const { isSuccess, reasons } = parseVerdict(answer.body)
      if (!isSuccess) throw refused(reasons.join(', '))
    },
  }
}

function parseVerdict(body: Buffer): { isSuccess: boolean; reasons: string[] } {
  let verdict: { success?: unknown; 'error-codes'?: unknown }
  try {
    verdict = Object(JSON.parse(body.toString('utf8'))) as typeof verdict
  } catch (cause) {
    throw new ServiceError('auth.captcha_unavailable', { cause })
  }
  const codes = Array.isArray(verdict['error-codes']) ? verdict['error-codes'] : []
  return { isSuccess: verdict.success === true, reasons: codes.map((code) => String(code).slice(0, 80)).slice(0, 5) }
}

function refused(reason: string): ServiceError {
  return new ServiceError('auth.captcha_failed', { message: `captcha protection: request disallowed (${reason})` })
}
