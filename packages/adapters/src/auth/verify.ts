import { ServiceError } from '@polder/core'
import type { ProjectScope, ProjectTables } from '@polder/db'
import type { Kysely } from 'kysely'
import type { AuthParts } from './auth-parts.ts'
import { accept, type Acceptance } from './accept-proof.ts'
import { withDatabaseError } from './database-error.ts'
import { parseEmailAddress } from './email-address.ts'
import { isPkceToken } from './one-time-code.ts'
import { parsePhoneNumber } from './phone-number.ts'
import { issueAuthCode } from './queries/flow-states.ts'
import { LINK_METHODS } from './send-link.ts'
import { issueSession, startSession } from './start-session.ts'
import { takeProof, type Proof, type ProofType } from './take-proof.ts'
import type { ClientFacts, UserSession } from './user-session.ts'

export interface VerifyInput {
  type: string
  /** A code that was typed, with the address or number that it was sent to … */
  token: string
  email: string
  phone: string
  /** … or what stands in a link. */
  tokenHash: string
  redirectTo: string
  client: ClientFacts
}

/** A session, or nothing yet where the other side of a change of address has to agree too. */
export type Verified = { kind: 'session'; session: UserSession } | { kind: 'accepted' }

/** Signs in who has the code, or the token of a link, that was sent to an address or number. Throws `auth.otp_expired` for any other. */
export async function verify(parts: AuthParts, project: ProjectScope, input: VerifyInput): Promise<Verified> {
  const proof = parseProof(input)
  const work = project.db.asOwner(async (tx) => {
    const accepted = await acceptProof(tx, project, proof, input.client)
    return accepted.isComplete ? { accepted, started: await start(tx, accepted.userId, input.client) } : { accepted }
  })
  const { accepted, started } = await withDatabaseError('Database error confirming user', work)
  accepted.tell(parts, project)
  return started === undefined ? { kind: 'accepted' } : { kind: 'session', session: await issueSession(parts, project, started) }
}

/** What a link in a mail leads to. */
export type Followed = Verified | { kind: 'code'; code: string }

/** The same for a link that a browser has opened; a client that began with a code challenge gets a code that it can exchange. */
export async function followLink(
  parts: AuthParts,
  project: ProjectScope,
  { type, token, client }: { type: string; token: string; client: ClientFacts },
): Promise<Followed> {
  if (type === '') throw invalid('Verify requires a verification type')
  if (token === '') throw invalid('Verify requires a token or a token hash')
  if (!isLinkType(type)) throw invalid('Invalid email verification type')
  if (!isPkceToken(token))
    return verify(parts, project, { type, tokenHash: token, token: '', email: '', phone: '', redirectTo: '', client })
  const method = type === 'email_change' ? type : LINK_METHODS[type]
  const work = project.db.asOwner(async (tx) => {
    const accepted = await acceptProof(tx, project, { type, tokenHash: token }, client)
    if (!accepted.isComplete) return { accepted }
    const code = await issueAuthCode(tx, accepted.userId, method)
    if (code === undefined) throw new ServiceError('auth.flow_state_not_found', { message: 'No associated flow state found.' })
    return { accepted, code }
  })
  const { accepted, code } = await withDatabaseError('Database error confirming user', work)
  accepted.tell(parts, project)
  return code === undefined ? { kind: 'accepted' } : { kind: 'code', code }
}

async function acceptProof(tx: Kysely<ProjectTables>, project: ProjectScope, proof: Proof, client: ClientFacts): Promise<Acceptance> {
  return accept(tx, project, await takeProof(tx, project, proof), client)
}

async function start(tx: Kysely<ProjectTables>, userId: string, client: ClientFacts) {
  const started = await startSession(tx, { userId, method: 'otp', client })
  if (!started) throw new ServiceError('auth.database_error', { message: 'Database error granting user' })
  return started
}

const LINK_TYPES = ['signup', 'invite', 'magiclink', 'recovery', 'email_change'] as const

function isLinkType(type: string): type is (typeof LINK_TYPES)[number] {
  return (LINK_TYPES as readonly string[]).includes(type)
}

function isProofType(type: string): type is ProofType {
  return isLinkType(type) || type === 'email' || type === 'sms' || type === 'phone_change'
}

function parseProof({ type, token, tokenHash, email, phone, redirectTo }: VerifyInput): Proof {
  if (type === '') throw invalid('Verify requires a verification type')
  if ((token === '') === (tokenHash === '')) throw invalid('Verify requires either a token or a token hash')
  if (tokenHash !== '') {
    if (email !== '' || phone !== '' || redirectTo !== '') throw invalid('Only the token_hash and type should be provided')
    if (!isLinkType(type) && type !== 'email') throw invalid('Invalid email verification type')
    return { type, tokenHash }
  }
  if ((email === '') === (phone === '')) throw invalid('Only an email address or phone number should be provided on verify')
  const address = email === '' ? { phone: parsePhoneNumber(phone) } : { email: parseEmailAddress(email) }
  if (!isProofType(type)) throw invalid('Unsupported verification type')
  return { type, code: token, ...address }
}

function invalid(message: string): ServiceError {
  return new ServiceError('auth.validation_failed', { message })
}
