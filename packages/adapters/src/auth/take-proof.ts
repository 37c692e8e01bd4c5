import { ServiceError } from '@polder/core'
import type { ProjectScope, ProjectTables } from '@polder/db'
import type { Kysely } from 'kysely'
import type { AuthUser } from './auth-user.ts'
import { hashCode, isCodeOf, toLinkToken } from './one-time-code.ts'
import { findTokenOwner, lockPendingTokens, type PendingTokens, type TokenKind } from './queries/one-time-tokens.ts'
import { findUserByAddress, findUserById, findUserByNewPhone } from './queries/users.ts'
import { isBanned } from './require-user.ts'
import { findTestCode } from './sms/send-code.ts'

/** GoTrue's words for what a code or link was sent for; `email` is a sign-up or a magic link. */
export type ProofType = 'signup' | 'invite' | 'magiclink' | 'recovery' | 'email_change' | 'email' | 'sms' | 'phone_change'

/** What somebody shows: the token of a link, or a code with the address or number that it was sent to. */
export type Proof = { type: ProofType } & ({ tokenHash: string } | { code: string; email: string } | { code: string; phone: string })

/** A proof that holds: whose it is, what it was for, and everything else that waits for an answer of theirs. */
export interface TakenProof {
  user: AuthUser
  pending: PendingTokens
  kind: TokenKind
  /** Whether it came to a phone. */
  isByPhone: boolean
}

/** Ours and GoTrue's are of hexadecimal digits, after the prefix of the flow. */
const LINK_TOKEN = /^[0-9a-z_]{1,128}$/i

const KINDS: Record<ProofType, readonly TokenKind[]> = {
  signup: ['confirmation'],
  invite: ['confirmation'],
  magiclink: ['recovery'],
  recovery: ['recovery'],
  email: ['confirmation', 'recovery'],
  email_change: ['emailChangeCurrent', 'emailChangeNew'],
  sms: ['confirmation'],
  phone_change: ['phoneChange'],
}

/**
 * Checks a proof and holds its user's row, so that of two who come with one proof only one is believed. Throws `auth.otp_expired`
 * alike for what is unknown, used, too old or wrong, and `auth.token_user_banned`.
 */
export async function takeProof(tx: Kysely<ProjectTables>, project: ProjectScope, proof: Proof): Promise<TakenProof> {
  const isLink = 'tokenHash' in proof
  const refusal = () => new ServiceError('auth.otp_expired', isLink ? { message: 'Email link is invalid or has expired' } : {})
  const owner = await findOwner(tx, proof)
  const pending = owner === undefined ? undefined : await lockPendingTokens(tx, owner.userId)
  const user = owner === undefined || pending === undefined ? undefined : await findUserById(tx, owner.userId)
  if (!owner || !pending || !user || user.deletedAt) throw refusal()
  if (isBanned(user)) throw new ServiceError('auth.token_user_banned')
  const isByPhone = 'phone' in proof
  if (isByPhone && findTestCode(project, proof.phone) === proof.code) return { user, pending, kind: KINDS[proof.type][0]!, isByPhone }
  const { mailerOtpExp, smsOtpExp } = project.configuration.auth
  const lifetime = isByPhone ? smsOtpExp : mailerOtpExp
  const kind = KINDS[proof.type].find((one) => {
    const { token, ageSeconds } = pending[one]
    const address = toAddress(one, user, pending, isByPhone)
    // What came to a number proves nothing of an address, and what went to an address of before nothing of today's.
    return address !== null && address === owner.sentTo && ageSeconds !== null && ageSeconds <= lifetime && fits(proof, token, address)
  })
  if (kind === undefined) throw refusal()
  return { user, pending, kind, isByPhone }
}

/** Whose proof it may be, and where it was sent to. */
async function findOwner(tx: Kysely<ProjectTables>, proof: Proof): Promise<{ userId: string; sentTo: string } | undefined> {
  const kinds = KINDS[proof.type]
  if ('tokenHash' in proof) {
    if (!LINK_TOKEN.test(proof.tokenHash)) return undefined
    const found = await findTokenOwner(tx, proof.tokenHash, kinds)
    return found && { userId: found.userId, sentTo: found.relatesTo }
  }
  const userId = 'phone' in proof ? await findPhoneUser(tx, proof.type, proof.phone) : await findEmailUser(tx, proof)
  return userId === undefined ? undefined : { userId, sentTo: 'phone' in proof ? proof.phone : proof.email }
}

async function findPhoneUser(tx: Kysely<ProjectTables>, type: ProofType, phone: string): Promise<string | undefined> {
  if (type === 'phone_change') return (await findUserByNewPhone(tx, phone))?.id
  return type === 'sms' ? (await findUserByAddress(tx, { phone }))?.user.id : undefined
}

async function findEmailUser(
  tx: Kysely<ProjectTables>,
  { type, email, code }: { type: ProofType; email: string; code: string },
): Promise<string | undefined> {
  if (type !== 'email_change') return (await findUserByAddress(tx, { email }))?.user.id
  // the code was sent to an address that nobody may have yet
  const hash = hashCode(email, code)
  const found = (await findTokenOwner(tx, hash, KINDS[type])) ?? (await findTokenOwner(tx, toLinkToken(hash, true), KINDS[type]))
  return found?.userId
}

function fits(proof: Proof, token: string | null, address: string): boolean {
  if (token === null || token === '') return false
  return 'tokenHash' in proof ? token === proof.tokenHash : isCodeOf(token, address, proof.code)
}

/** Where a code of this kind was sent to. */
function toAddress(kind: TokenKind, user: AuthUser, pending: PendingTokens, isByPhone: boolean): string | null {
  if (kind === 'emailChangeNew') return pending.newEmail
  if (kind === 'phoneChange') return pending.newPhone
  return isByPhone ? user.phone : user.email
}
