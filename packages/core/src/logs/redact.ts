const HIDDEN = '[redacted]'

/** Names of query parameters whose values sign somebody in, or may. */
const SECRET_PARAMETER = /pass|pwd|secret|token|key|code|otp|auth|credential|sig|nonce|verifier|challenge|session|cookie|jwt|input/i

/** Names of fields whose values are never kept. */
const SECRET_FIELD =
  /pass(?:word|wd|phrase|code)|pwd|secret|token|api_?-?key|service_?key|authori[sz]ation|cookie|credential|private_?key|signing_?key|otp|totp|jwt|signature|recovery_?code/i

/** What gives a secret away wherever it stands, by its form alone. Every quantifier ends: a long text costs a long time, not an endless one. */
const SECRET_FORMS = new RegExp(
  [
    // tokens and keys with a form of their own
    String.raw`\beyJ[\w-]{4,}\.[\w-]{2,}(?:\.[\w-]*)?`,
    String.raw`\b(?:sb_secret_|sb_publishable_|sbp_|plr_|whsec_|sk_live_|sk_test_|rk_live_|rk_test_|sk-|ghp_|gho_|ghu_|ghs_|ghr_|github_pat_|glpat-|npm_|hf_|xox[abeoprs]-|AIza|ya29\.|SG\.)[\w./+=~-]{6,}`,
    String.raw`\b(?:AKIA|ASIA)[A-Z0-9]{12,}`,
    String.raw`\b(?:bearer|basic)\s{1,3}[\w.~+/=-]{4,}`,
    // hashes and verifiers of passwords
    String.raw`\$(?:argon2(?:id|i|d)|2[abxy]|scrypt|pbkdf2[\w-]{0,12})\$[\w$./+=,-]{8,}`,
    String.raw`\bSCRAM-SHA-256\$[\w$:/+=]{8,}`,
    String.raw`-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[^-]{0,20000}(?:-----END [A-Z ]{0,30}PRIVATE KEY-----)?`,
  ].join('|'),
  'gi',
)

const URL_PASSWORD = /(:\/\/[^\s:/@?#]{0,200}:)[^\s@/?#]{1,500}@/g

const NAMED_VALUE =
  /((?:pass(?:word|wd|phrase|code)|pwd|secret|token|api_?-?key|service_?key|authori[sz]ation|cookie|credentials?|private_?key|signing_?key|otp|totp|jwt|signature|recovery_?code)[\w.-]{0,40}["'\]]{0,2}\s{0,4}(?:=>|:=|[:=])\s{0,4})(?:"(?:[^"\\]|\\.){0,4000}"?|'(?:[^'\\]|\\.){0,4000}'?|(?!\[redacted\])[^\s,;&"'{}]{1,4000})/gi

/** Whether any of the forms may be in a text: most lines have none of them. */
const SUSPICIOUS =
  /eyJ|sb_|sbp_|plr_|whsec_|[sr]k_|sk-|gh[opsru]_|github_pat|glpat|npm_|hf_|xox|AIza|ya29|SG\.|AKIA|ASIA|bearer|basic|\$(?:argon2|2|scrypt|pbkdf2)|SCRAM|PRIVATE KEY|:\/\/|pass|pwd|secret|token|key|authori|cookie|credential|otp|jwt|signature|recovery/i

/** A text of a log line without what signs a caller in: tokens and keys by their form, and the values of what is called a secret. */
export function redactText(text: string): string {
  if (!SUSPICIOUS.test(text)) return text
  return text.replace(SECRET_FORMS, HIDDEN).replace(URL_PASSWORD, `$1${HIDDEN}@`).replace(NAMED_VALUE, `$1${HIDDEN}`)
}

/** A request's path and query without keys, tokens, codes and passwords; at most 2,000 characters of it. */
export function redactPath(path: string): string {
  const cut = path.length > 2000 ? `${path.slice(0, 2000)}…` : path
  const question = cut.indexOf('?')
  if (question === -1) return hasForms(cut) ? redactText(cut) : cut
  const query = cut.slice(question + 1)
  const safe = SECRET_PARAMETER.test(query) ? query.split('&').map(redactParameter).join('&') : query
  const whole = safe === query ? cut : `${cut.slice(0, question)}?${safe}`
  return hasForms(whole) ? redactText(whole) : whole
}

/** A value for `fields` without secrets, by the names of its keys and the forms of its texts; deep values end at a depth of eight. */
export function redactValue(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactText(value)
  if (typeof value !== 'object' || value === null) return value
  if (depth >= 8) return '…'
  if (Array.isArray(value)) return value.slice(0, 200).map((each) => redactValue(each, depth + 1))
  const safe: Record<string, unknown> = {}
  for (const [name, each] of Object.entries(value).slice(0, 200)) {
    safe[name] = SECRET_FIELD.test(name) && each !== null && typeof each !== 'boolean' ? HIDDEN : redactValue(each, depth + 1)
  }
  return safe
}

function redactParameter(parameter: string): string {
  const equals = parameter.indexOf('=')
  if (equals === -1) return parameter
  return isSecretName(parameter.slice(0, equals)) ? `${parameter.slice(0, equals)}=${HIDDEN}` : parameter
}

function isSecretName(name: string): boolean {
  // A name can be written with percent signs; what cannot be decoded is read as it stands.
  if (!name.includes('%')) return SECRET_PARAMETER.test(name)
  try {
    return SECRET_PARAMETER.test(decodeURIComponent(name))
  } catch {
    return true
  }
}

function hasForms(path: string): boolean {
  return path.includes('eyJ') || path.includes('sb_') || path.includes('plr_') || path.includes('whsec_')
}
