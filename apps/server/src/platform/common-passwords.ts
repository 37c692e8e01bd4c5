// Those of the most used passwords that are long enough for an account, without their endings of digits and signs.
const COMMON_WORDS = new Set(
  `password passwort motdepasse contrasena wachtwoord letmein welcome welcometo iloveyou iloveyouso qwerty qwertyui qwertyuiop qwertyuio
  qwertz qwertzuiop azerty azertyuiop asdfgh asdfghjkl asdfasdf zxcvbn zxcvbnm zaqwsx qazwsx qazwsxedc qwaszx qweasd qweasdzxc qweqwe
  abcdef abcdefg abcdefgh abcdefghij abcabc abcd abc admin administrator adminadmin root rootroot superuser superman batman
  spiderman football baseball basketball princess sunshine monkey dragon master shadow michael jennifer jordan hunter
  starwars pokemon computer internet samsung google facebook liverpool chelsea arsenal barcelona manchester whatever
  trustno trustme changeme changemenow changeit secret secretsecret topsecret default guest login test testing testtest
  polder polderpolder postgres postgresql supabase supabasesupabase passwordpassword mypassword thepassword
  correcthorsebatterystaple iloveu lovelove fuckyou bismillah access flower cheese summer winter spring autumn`.split(/\s+/),
)

const ROWS = [
  '01234567890123456789',
  '12345678901234567890',
  'abcdefghijklmnopqrstuvwxyz',
  'qwertyuiopasdfghjklzxcvbnm',
  '1q2w3e4r5t6y7u8i9o0p',
]

/** Whether the password is among those that are tried first: a common word, a run of keys, one thing repeated, or the e-mail itself. */
export function isCommonPassword(password: string, email: string): boolean {
  const text = password.toLowerCase()
  if (text === email.toLowerCase() || text === email.toLowerCase().split('@')[0]) return true
  if (ROWS.some((row) => row.includes(text) || [...row].reverse().join('').includes(text))) return true
  // One to four characters over and over: aaaaaaaaaa, 1212121212, abcdabcdab.
  if (/^(.{1,4}?)\1+(.{0,3})$/u.test(text) && new Set(text).size <= 4) return true
  const word = text.replace(/[^\p{L}]+$/u, '').replace(/^[^\p{L}]+/u, '')
  return COMMON_WORDS.has(unmask(word)) || COMMON_WORDS.has(unmask(text.replace(/[\d!?.*#@$_-]+$/, ''))) || COMMON_WORDS.has(word)
}

/** Letters that people replace by signs: p@ssw0rd. */
function unmask(text: string): string {
  return text.replace(/[@4]/g, 'a').replace(/0/g, 'o').replace(/[1!]/g, 'i').replace(/3/g, 'e').replace(/[$5]/g, 's')
}
