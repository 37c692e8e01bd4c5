import { mailTemplateSchema } from '@polder/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DEFAULT_MAIL_TEXTS } from './mail-templates.ts'
import { toPlainText } from './plain-text.ts'
import { renderHtml, renderText, requireTemplate } from './render-template.ts'

/** Mostly what means something in HTML. */
const hostile = fc.oneof(
  fc.constantFrom('<', '>', '&', '"', "'", '{', '}', '.', ' ', '\n', 'a'),
  fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)),
)

const values = { Email: 'ada@example.com', Data: { name: 'Ada <b>', deep: { er: 7 } }, Token: '123456', N: null }

test.each([
  ['{{ .Email }}', 'ada@example.com'],
  ['{{.Email}} and {{  .Token  }}', 'ada@example.com and 123456'],
  ['{{ .Data.deep.er }}', '7'],
  ['{{ .Data.deep }}', '{"er":7}'],
  ['{{- .Email -}}', 'ada@example.com'],
  ['{{ .Missing }}{{ .N }}{{ .Data.missing.more }}|', '|'],
  ['{{ .constructor }}{{ .Data.__proto__ }}{{ .Data.toString }}|', '|'],
  ['{ .Email } }} {{', '{ .Email } }} {{'],
  ['{{ Email }}', '{{ Email }}'],
])('%s becomes %s', (template, expected) => expect(renderText(template, values)).toBe(expected))

test('values are text in HTML, whatever they hold', () => {
  expect(renderHtml('<p title="{{ .Data.name }}">{{ .Data.name }}</p>', values)).toBe('<p title="Ada &lt;b&gt;">Ada &lt;b&gt;</p>')
  fc.assert(
    fc.property(fc.string({ unit: hostile, maxLength: 30 }), (value) => {
      const html = renderHtml('<i a="{{ .V }}" b=\'{{ .V }}\'>{{ .V }}</i>', { V: value })
      const [, double, single, inside] = /^<i a="([^"]*)" b='([^']*)'>([^<>]*)<\/i>$/s.exec(html) ?? []
      expect(double).toBeDefined()
      expect([single, inside]).toEqual([double, double])
    }),
    { numRuns: 200 },
  )
})

test('a value is not rendered again', () => {
  expect(renderText('{{ .A }}', { A: '{{ .Email }} $& $1', Email: 'x' })).toBe('{{ .Email }} $& $1')
})

test.each([
  '{{ if .Email }}x{{ end }}',
  '{{ range .Data }}',
  '{{ .Email | printf "%s" }}',
  '{{ template "x" }}',
  '{{ }}',
  '{{ "x" }}',
  '{{ .A.. }}',
])('%s is refused when it is saved', (template) => expect(() => requireTemplate(template)).toThrow(/no placeholder/))

test.each(mailTemplateSchema.options)('the text of %s that comes along is a template', (template) => {
  const { subject, content } = DEFAULT_MAIL_TEXTS[template]
  requireTemplate(subject)
  requireTemplate(content)
})

test('the plain text has what the HTML says, and where links lead', () => {
  const html = renderHtml(DEFAULT_MAIL_TEXTS.confirmation.content, { ...values, ConfirmationURL: 'https://a.test/?a=1&b=2' })
  const text = toPlainText(html)
  expect(text).toContain('Confirm address: https://a.test/?a=1&b=2')
  expect(text).toContain('123456')
  expect(text).not.toMatch(/[<>]/)
})

test('neither takes long, whatever the text is', () => {
  const start = performance.now()
  for (const part of ['{{', '{{ ', '<', '<a href="', '<style>', '<a>', '&', '{{ .A }}', ' ', '\n']) {
    const text = part.repeat(65_536 / part.length)
    renderHtml(text, {})
    toPlainText(text)
  }
  expect(performance.now() - start).toBeLessThan(2_000)
})
