import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

const derive = promisify(pbkdf2)

/** Iterations for a password that a person may have chosen. */
export const CHOSEN_PASSWORD_ITERATIONS = 4096

/** Iterations for a random 256-bit password: stretching it adds nothing but time to every new connection. */
export const RANDOM_PASSWORD_ITERATIONS = 1

/** The SCRAM-SHA-256 verifier of a password, as `CREATE ROLE … PASSWORD` takes it: the password itself never reaches the server or its log. */
export async function toScramVerifier(password: string, iterations: number): Promise<string> {
  return makeVerifier(password, iterations, randomBytes(16))
}

/** Whether the stored verifier is one of this password. */
export async function isVerifierOf(verifier: string | null, password: string): Promise<boolean> {
  const parts = /^SCRAM-SHA-256\$(\d+):([^$]+)\$/.exec(verifier ?? '')
  if (!parts?.[1] || !parts[2]) return false
  const expected = await makeVerifier(password, Number(parts[1]), Buffer.from(parts[2], 'base64'))
  const [a, b] = [Buffer.from(expected), Buffer.from(verifier ?? '')]
  return a.length === b.length && timingSafeEqual(a, b)
}

async function makeVerifier(password: string, iterations: number, salt: Buffer): Promise<string> {
  const salted = await derive(prepare(password), salt, iterations, 32, 'sha256')
  const clientKey = createHmac('sha256', salted).update('Client Key').digest()
  const storedKey = createHash('sha256').update(clientKey).digest('base64')
  const serverKey = createHmac('sha256', salted).update('Server Key').digest('base64')
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${storedKey}:${serverKey}`
}

/** The part of SASLprep (RFC 4013) that changes bytes; `pg` and libpq do the same before they prove a password. */
function prepare(password: string): string {
  return password
    .replace(/[\u00A0\u1680\u2000-\u200B\u202F\u205F\u3000]/g, ' ')
    .replace(/\u00AD|\u034F|\u1806|\u180B|\u180C|\u180D|\u200C|\u200D|\u2060|[\uFE00-\uFE0F]|\uFEFF/g, '')
    .normalize('NFKC')
}
