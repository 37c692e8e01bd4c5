/** The order of P-256, and half of it. */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
const HALF = Buffer.from((ORDER >> 1n).toString(16).padStart(64, '0'), 'hex')

/** Whether the second number of an ES256 signature (64 bytes) is the lower one of the two that verify. */
export function isLowSignature(signature: Buffer): boolean {
  return signature.subarray(32).compare(HALF) <= 0
}

/**
 * The signature with the lower one of the two numbers that verify. Anybody can turn one into the other without the key; a verifier
 * that takes the low one alone knows one text for one token.
 */
export function toLowSignature(signature: Buffer): Buffer {
  if (isLowSignature(signature)) return signature
  const second = BigInt(`0x${signature.subarray(32).toString('hex')}`)
  return Buffer.concat([signature.subarray(0, 32), Buffer.from((ORDER - second).toString(16).padStart(64, '0'), 'hex')])
}
