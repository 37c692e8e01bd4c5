import { createHmac, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { isServiceError, ServiceError } from '@polder/core'
import type { OutgoingAnswer, OutgoingClient } from '../../outgoing/index.ts'

/** GoTrue's limits for a call: all tries together, and the answer. */
const TIMEOUT_MS = 5_000
const TRIES = 3
const PAUSE_MS = 500
const MOST_BYTES = 200 * 1024

/** Posts the payload, signed as standard webhooks are by each of the hook's secrets. Answers the body as text; null for none. */
export async function callHttpHook(outgoing: OutgoingClient, url: string, payload: string, secrets = ''): Promise<string | null> {
  const endsAt = performance.now() + TIMEOUT_MS
  for (let attempt = 1; ; attempt += 1) {
    const answer = await send(outgoing, url, payload, secrets, endsAt).catch((error: unknown) => {
      if (isServiceError(error, 'outgoing.timed_out')) throw tookTooLong(error)
      if (!isServiceError(error, 'outgoing.unreachable')) throw toFailure(url, error)
      if (attempt >= TRIES)
        throw new ServiceError('auth.hook_timeout', { message: 'Failed to reach hook after maximum retries', cause: error })
      return undefined
    })
    if (answer !== undefined) {
      const mayTryAgain = (answer.status === 429 || answer.status === 503) && answer.headers['retry-after'] !== undefined
      if (!mayTryAgain || attempt >= TRIES) return readAnswer(answer)
    }
    if (performance.now() + PAUSE_MS >= endsAt) throw tookTooLong()
    await sleep(PAUSE_MS)
  }
}

function send(outgoing: OutgoingClient, url: string, payload: string, secrets: string, endsAt: number): Promise<OutgoingAnswer> {
  const id = randomUUID()
  const timestamp = String(Math.floor(Date.now() / 1000))
  return outgoing.send({
    url,
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'accept-encoding': 'identity',
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      ...toSignatureHeader(secrets, `${id}.${timestamp}.${payload}`),
    },
    body: payload,
    timeoutMs: Math.max(1, Math.ceil(endsAt - performance.now())),
    maxBytes: MOST_BYTES,
  })
}

function toSignatureHeader(secrets: string, signed: string): Record<string, string> {
  const keys = secrets
    .split('|')
    .filter((secret) => secret.startsWith('v1,whsec_'))
    .map((secret) => Buffer.from(secret.slice('v1,whsec_'.length), 'base64'))
  if (keys.length === 0) return {}
  return { 'webhook-signature': keys.map((key) => `v1,${createHmac('sha256', key).update(signed).digest('base64')}`).join(' ') }
}

function readAnswer({ status, headers, body, isTruncated }: OutgoingAnswer): string | null {
  if (status === 204) return null
  if (status === 400) throw new ServiceError('auth.hook_failed', { message: 'Invalid payload sent to hook' })
  if (status === 401) throw new ServiceError('auth.hook_failed', { message: 'Hook requires authorization token' })
  if (status === 429 || status === 503) throw new ServiceError('auth.hook_failed', { message: 'Service currently unavailable due to hook' })
  if (status !== 200 && status !== 202) {
    throw new ServiceError('auth.hook_failed', { message: `Unexpected status code returned from hook: ${status}` })
  }
  const type = headers['content-type'] ?? ''
  if (!/^application\/json\s*(?:;|$)/i.test(type)) {
    const message =
      type === '' ? 'Invalid Content-Type: Missing Content-Type header' : `Invalid JSON response. Received content-type: ${type}`
    throw new ServiceError('auth.hook_answer_invalid', { message: message.slice(0, 200) })
  }
  if (isTruncated) throw new ServiceError('auth.hook_failed', { message: `Payload size exceeded size limit of ${MOST_BYTES} bytes` })
  return body.toString('utf8')
}

function tookTooLong(cause?: unknown): ServiceError {
  const message = `Failed to reach hook within maximum time of ${TIMEOUT_MS / 1000} seconds`
  return new ServiceError('auth.hook_timeout', { message, cause })
}

function toFailure(url: string, cause: unknown): ServiceError {
  return new ServiceError('auth.hook_failed', { message: `Error running hook URI: ${url}`, cause })
}
