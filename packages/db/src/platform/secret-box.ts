import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto'
import { ServiceError } from '@polder/core'

const VERSION = 1
const NONCE_BYTES = 12
const TAG_BYTES = 16
const KEY_BYTES = 32

/** Encrypts secrets at rest, each bound to the place where it is kept: moved to another row it does not open. */
export interface SecretBox {
  /** Version byte, 12-byte nonce, ciphertext, 16-byte tag (AES-256-GCM). */
  seal(ref: string, name: string, plaintext: string): Buffer
  /** Throws `project.secret_unreadable` for another key, ref or name, and for anything that was changed. */
  open(ref: string, name: string, sealed: Uint8Array): string
  /** 32 bytes that are the same every time for this ref and name, and tell nothing of any others. */
  derive(ref: string, name: string): Buffer
}

/** A box for the installation's master key (32 bytes). */
export function createSecretBox(masterKey: Uint8Array): SecretBox {
  if (masterKey.length !== KEY_BYTES) {
    throw new ServiceError('system.unexpected', { message: `The master key has ${masterKey.length} bytes instead of ${KEY_BYTES}.` })
  }
  const key = Buffer.from(masterKey)
  return {
    derive: (ref, name) => createHmac('sha256', key).update('derived ').update(toAssociatedData(ref, name)).digest(),
    seal(ref, name, plaintext) {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
      cipher.setAAD(toAssociatedData(ref, name))
      const ciphertext = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()])
      return Buffer.concat([Buffer.of(VERSION), nonce, ciphertext, cipher.getAuthTag()])
    },
    open(ref, name, sealed) {
      if (sealed.length < 1 + NONCE_BYTES + TAG_BYTES || sealed[0] !== VERSION) throw unreadable()
      const bytes = Buffer.from(sealed)
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(1, 1 + NONCE_BYTES), { authTagLength: TAG_BYTES })
      decipher.setAAD(toAssociatedData(ref, name))
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
      try {
        const plaintext = decipher.update(bytes.subarray(1 + NONCE_BYTES, -TAG_BYTES))
        return Buffer.concat([plaintext, decipher.final()]).toString('utf8')
      } catch (cause) {
        throw unreadable(cause)
      }
    },
  }
}

// JSON keeps ('a', 'bc') and ('ab', 'c') apart whatever the names are.
function toAssociatedData(ref: string, name: string): Buffer {
  return Buffer.from(JSON.stringify(['polder', VERSION, ref, name]))
}

function unreadable(cause?: unknown): ServiceError {
  return new ServiceError('project.secret_unreadable', { cause })
}
