import { createHash, timingSafeEqual } from 'node:crypto'
import { ServiceError } from '@polder/core'

/** What a client that will exchange a code for its session keeps to itself, hashed. */
export interface CodeChallenge {
  method: 's256' | 'plain'
  challenge: string
}

/** The challenge that a request brought, or undefined where it has none. Throws `auth.validation_failed` by GoTrue's texts. */
export function parseCodeChallenge(method: string, challenge: string): CodeChallenge | undefined {
  if ((method === '') !== (challenge === '')) throw invalid('PKCE flow requires code_challenge_method and code_challenge')
  if (challenge === '') return undefined
  if (challenge.length < 43 || challenge.length > 128) throw invalid('code challenge has to be between 43 and 128 characters')
  if (!/^[A-Za-z0-9._~-]+$/.test(challenge)) {
    throw invalid('code challenge can only contain alphanumeric characters, hyphens, periods, underscores and tildes')
  }
  const name = method.toLowerCase()
  if (name !== 's256' && name !== 'plain') throw invalid(`unsupported code_challenge method ${JSON.stringify(method.slice(0, 50))}`)
  return { method: name, challenge }
}

/** Whether the verifier is the one that the challenge was made of. */
export function fitsChallenge({ method, challenge }: CodeChallenge, verifier: string): boolean {
  const made = method === 's256' ? createHash('sha256').update(verifier).digest('base64url') : verifier
  const [expected, given] = [Buffer.from(challenge), Buffer.from(made)]
  return expected.length === given.length && timingSafeEqual(expected, given)
}

function invalid(message: string): ServiceError {
  return new ServiceError('auth.validation_failed', { message })
}
