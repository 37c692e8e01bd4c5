import { mailTemplateSchema } from '@polder/core'
import { selectProjectSecrets } from '@polder/db'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openAuthStage, type AuthCaller, type AuthStage } from '../testing/auth-stage.ts'
import { refusal } from '../testing/test-stage.ts'

let at: AuthStage
let administrator: AuthCaller
let developer: AuthCaller
let viewer: AuthCaller
let projectRef: string

beforeAll(async () => {
  at = await openAuthStage()
  projectRef = at.project.ref
  administrator = await at.open('administrator', 'administrator')
  developer = await at.open('developer', 'developer')
  viewer = await at.open('viewer', 'viewer')
})
afterAll(() => at?.[Symbol.asyncDispose]())

test('every mail is listed with its text and what it may name, and previewed', async () => {
  const templates = await viewer.listMailTemplates({ projectRef })
  expect(templates.map(({ name }) => name)).toEqual(mailTemplateSchema.options)
  for (const { name, subject, content, usual, placeholders } of templates) {
    expect({ subject, content }).toEqual(usual)
    const named = [...`${subject}${content}`.matchAll(/\{\{ \.(\w+)/g)].map(([, one]) => one)
    expect(placeholders).toEqual(expect.arrayContaining(named))
    const preview = await viewer.previewMail({ projectRef, name })
    expect(`${preview.subject}${preview.html}`, name).not.toMatch(/\{\{|\}\}|undefined|null/)
    expect(preview.text).not.toContain('<')
  }
})

test('a text is changed and taken back, one mail at a time, and the project sends it from then on', async () => {
  const textOf = async (name: string) => (await viewer.listMailTemplates({ projectRef })).find((one) => one.name === name)
  await administrator.updateMailTemplate({ projectRef, name: 'invite', subject: 'Hello {{ .Data.name }}', content: '<p>{{ .Token }}</p>' })
  await administrator.updateMailTemplate({ projectRef, name: 'recovery', subject: 'Other' })
  await expect.poll(() => textOf('recovery')).toMatchObject({ subject: 'Other', content: expect.stringContaining('ConfirmationURL') })
  await developer.inviteUser({ projectRef, email: 'ada@example.com', userMetadata: { name: 'Ada <b>' } })
  const [entry] = await developer.listInbox({ projectRef })
  expect(entry).toMatchObject({ kind: 'invite', recipient: 'ada@example.com', subject: 'Hello Ada <b>', readAt: null, failure: null })
  const message = await developer.getInboxMessage({ projectRef, messageId: entry!.id })
  expect(message.content).toMatch(/^<p>\d{6}<\/p>$/)
  expect(message.readAt).toBeInstanceOf(Date)
  await administrator.updateMailTemplate({ projectRef, name: 'invite', subject: null })
  await expect.poll(() => textOf('invite')).toMatchObject({ content: '<p>{{ .Token }}</p>', subject: 'You are invited' })
})

test('a text with more than names in it is refused, wherever it is given', async () => {
  const content = '{{ if .Email }}x{{ end }}'
  for (const work of [
    () => administrator.updateMailTemplate({ projectRef, name: 'invite', content }),
    () => administrator.updateSettings({ projectRef, mailerTemplates: { invite: content } }),
    () => administrator.updateSettings({ projectRef, mailerSubjects: { invite: '{{ .A | b }}' } }),
    () => viewer.previewMail({ projectRef, name: 'invite', content }),
  ]) {
    await expect(work()).rejects.toMatchObject(refusal('auth.template_invalid'))
  }
  const subject = administrator.updateMailTemplate({ projectRef, name: 'invite', subject: 'a\r\nBcc: b@c.de' })
  await expect(subject).rejects.toMatchObject(refusal('request.invalid'))
})

test('the inbox is for those who may change users, and can be emptied', async () => {
  await administrator.sendTestMail({ projectRef, to: 'me@example.com' })
  const [entry] = await developer.listInbox({ projectRef, search: 'ME@', limit: 1 })
  expect(entry).toMatchObject({ kind: 'test', recipient: 'me@example.com' })
  expect((await developer.listInbox({ projectRef, before: entry!.id })).some(({ id }) => id === entry!.id)).toBe(false)
  await expect(viewer.listInbox({ projectRef })).rejects.toMatchObject(refusal('access.forbidden'))
  const messageId = entry!.id
  await developer.deleteInboxMessage({ projectRef, messageId })
  await expect(developer.getInboxMessage({ projectRef, messageId })).rejects.toMatchObject(refusal('auth.inbox_message_not_found'))
  await expect(developer.deleteInboxMessage({ projectRef, messageId })).rejects.toMatchObject(refusal('auth.inbox_message_not_found'))
  await developer.clearInbox({ projectRef })
  expect(await developer.listInbox({ projectRef })).toEqual([])
})

test('a secret of a hook is told once; the previous one signs as long as that is wanted', async () => {
  const stored = async () => {
    const { platform, box } = at.stage.cluster
    return (await selectProjectSecrets(platform, box, projectRef)).hook_send_email_secrets
  }
  const create = (keepsPrevious: boolean) => administrator.createHookSecret({ projectRef, hook: 'send_email', keepsPrevious })
  const [one, two, three] = [await create(false), await create(true), await create(true)]
  expect(one.secret).toMatch(/^v1,whsec_[A-Za-z0-9+/]{43}=$/)
  expect(await stored()).toBe(`${three.secret}|${two.secret}`)
  const four = await create(false)
  expect(await stored()).toBe(four.secret)
  await expect(developer.createHookSecret({ projectRef, hook: 'send_email' })).rejects.toMatchObject(refusal('access.forbidden'))
})
