import { expect, test } from 'vitest'
import { parseHeaders, toCallTexts } from './call-texts.ts'

const CONNECTION = { ref: 'a', url: 'http://x/projects/a', anonKey: 'anon', publishableKey: 'sb_publishable_x', hasFirstUserPassword: false, database: { host: 'x', port: 1, name: 'a', user: 'a' } } // prettier-ignore

test('headers are read one a line', () => {
  expect(parseHeaders('Content-Type: text/plain\n\nx-a:b:c\nnothing')).toEqual({ 'content-type': 'text/plain', 'x-a': 'b:c' })
})

test('calls can be pasted: quotes in the body end no string', () => {
  const { curl, supabaseJs } = toCallTexts(CONNECTION, 'hello', `{"a":"it's"}`)
  expect(curl).toContain(`-d '{"a":"it'\\''s"}'`)
  expect(supabaseJs).toContain(`invoke('hello', {`)
  expect(toCallTexts(CONNECTION, 'hello', 'plain').supabaseJs).toContain(`invoke('hello')`)
})
