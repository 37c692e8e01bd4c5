import { selectAuditEntries } from '@polder/db'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openAuthStage, type AuthCaller, type AuthStage } from '../testing/auth-stage.ts'
import { refusal } from '../testing/test-stage.ts'

let at: AuthStage
let member: AuthCaller
let projectRef: string
let count = 0
const newEmail = () => `user-${(count += 1)}@example.com`
const password = 'correct horse'
const client = { ip: null, userAgent: null }

beforeAll(async () => {
  at = await openAuthStage()
  projectRef = at.project.ref
  member = await at.open('developer', 'developer')
})
afterAll(() => at?.[Symbol.asyncDispose]())

const add = (fields: object = {}) => member.createUser({ projectRef, email: newEmail(), password, ...fields })
const signIn = async (email: string, secret = password) =>
  at.auth.signIn(await at.project.scope('anon'), { email, password: secret, client })
const actions = async () =>
  (await selectAuditEntries(at.stage.cluster.platform, { ref: projectRef, limit: 200 })).map(({ action }) => action)

test('one user, whole: changed, banned, and what it did', async () => {
  const { id: userId, email } = await add({ userMetadata: { name: 'Ada' } })
  const changed = await member.updateUser({
    ...{ projectRef, userId, phone: '+31 6 1234 5678', isPhoneConfirmed: true, banSeconds: 60 },
    userMetadata: { name: null, city: 'Delft' },
    appMetadata: { plan: 'pro' },
  })
  expect(changed).toMatchObject({
    ...{ id: userId, email, phone: '31612345678', phoneConfirmedAt: expect.any(Date), bannedUntil: expect.any(Date), deletedAt: null },
    userMetadata: { city: 'Delft' },
    appMetadata: { plan: 'pro', provider: 'email', providers: ['email', 'phone'] },
    identities: [{ provider: 'email', providerId: userId, email }, { provider: 'phone' }],
  })
  expect(changed.userMetadata).not.toHaveProperty('name')
  expect(await member.getUser({ projectRef, userId })).toEqual(changed)
  await expect(signIn(email!)).rejects.toMatchObject({ code: 'auth.user_banned' })
  await member.updateUser({ projectRef, userId, banSeconds: null, password: 'another one' })
  await signIn(email!, 'another one')
  const { events, total } = await member.listEvents({ projectRef, userId })
  expect(events.map(({ action }) => action)).toEqual(['login', 'user_modified', 'user_modified', 'user_signedup'])
  expect(total).toBe(4)
  expect((await member.listEvents({ projectRef, userId, search: 'LOGIN' })).events).toMatchObject([
    { actorId: userId, actorName: '31612345678' },
  ])
  expect((await member.listEvents({ projectRef, search: '100%\0' })).total).toBe(0)
  expect(await actions()).toEqual(['user.update', 'user.update', 'user.create'])
})

test('what cannot be', async () => {
  const { id: userId } = await add()
  const { email: taken } = await add()
  const userIdOfNobody = crypto.randomUUID()
  await expect(member.getUser({ projectRef, userId: userIdOfNobody })).rejects.toMatchObject(refusal('auth.user_not_found'))
  await expect(member.updateUser({ projectRef, userId, email: taken! })).rejects.toMatchObject(refusal('auth.email_exists'))
  await expect(member.updateUser({ projectRef, userId, password: 'short' })).rejects.toMatchObject(refusal('auth.weak_password'))
  await expect(member.updateUser({ projectRef, userId, role: 'postgres' })).rejects.toMatchObject(refusal('auth.validation_failed'))
  await expect(member.updateUser({ projectRef, userId, banSeconds: -1 })).rejects.toMatchObject(refusal('request.invalid'))
  await expect(member.createUser({ projectRef })).rejects.toMatchObject(refusal('auth.validation_failed'))
  await expect(member.createUser({ projectRef, phone: 'x' })).rejects.toMatchObject(refusal('auth.phone_invalid'))
})

test('lists by filter, provider and order', async () => {
  const mark = 'listed'
  const [a, b] = [await add({ email: `${mark}-b@example.com` }), await add({ email: `${mark}-a@example.com`, isConfirmed: false })]
  const c = await add({ email: undefined, phone: '31699999999', userMetadata: { full_name: mark } })
  await member.changeUsers({ projectRef, userIds: [a.id], change: { kind: 'ban', banSeconds: 3600 } })
  const idsOf = async (selection: object) => (await member.listUsers({ projectRef, search: mark, ...selection })).users.map(({ id }) => id)
  expect(await idsOf({})).toEqual([c.id, b.id, a.id])
  expect(await idsOf({ isAscending: true })).toEqual([a.id, b.id, c.id])
  expect(await idsOf({ orderBy: 'email', isAscending: true })).toEqual([b.id, a.id, c.id])
  expect(await idsOf({ orderBy: 'email' })).toEqual([a.id, b.id, c.id])
  expect(await idsOf({ filter: 'banned' })).toEqual([a.id])
  expect(await idsOf({ filter: 'unconfirmed' })).toEqual([b.id])
  expect(await idsOf({ filter: 'anonymous' })).toEqual([])
  expect(await idsOf({ provider: 'phone' })).toEqual([c.id])
  expect(await idsOf({ search: '+31699999999' })).toEqual([c.id])
})

test('many at once: each by itself, and what is refused is told', async () => {
  const users = [await add(), await add(), await add()]
  const userIds = users.map(({ id }) => id)
  const session = await signIn(users[0]!.email!)
  const nobody = crypto.randomUUID()
  const ended = await member.changeUsers({ projectRef, userIds, change: { kind: 'sign_out' } })
  expect(ended).toEqual({ count: 3, refused: [] })
  const refresh = async () => at.auth.refreshSession(await at.project.scope('anon'), { refreshToken: session.refreshToken, client })
  await expect(refresh()).rejects.toMatchObject({ code: 'auth.refresh_token_not_found' })
  expect(await member.changeUsers({ projectRef, userIds: [...userIds, nobody], change: { kind: 'ban', banSeconds: 60 } })).toEqual({
    count: 3,
    refused: [{ userId: nobody, code: 'auth.user_not_found', message: expect.any(String) }],
  })
  await expect(signIn(users[1]!.email!)).rejects.toMatchObject({ code: 'auth.user_banned' })
  await member.changeUsers({ projectRef, userIds, change: { kind: 'unban' } })
  await signIn(users[1]!.email!)
  const soft = await member.changeUsers({ projectRef, userIds: userIds.slice(0, 1), change: { kind: 'delete', isSoft: true } })
  expect(soft.count).toBe(1)
  expect((await member.getUser({ projectRef, userId: userIds[0]! })).deletedAt).toBeInstanceOf(Date)
  expect((await member.changeUsers({ projectRef, userIds, change: { kind: 'delete', isSoft: false } })).count).toBe(3)
  await expect(member.getUser({ projectRef, userId: userIds[0]! })).rejects.toMatchObject(refusal('auth.user_not_found'))
  expect((await actions()).slice(0, 5)).toEqual(['user.delete', 'user.delete', 'user.unban', 'user.ban', 'user.sign_out'])
})

test('sessions: where from, and ended one by one', async () => {
  const { id: userId, email } = await add()
  const scope = await at.project.scope('anon')
  for (const userAgent of ['one', 'two', 'three'])
    await at.auth.signIn(scope, { email: email!, password, client: { ip: '192.0.2.7', userAgent } })
  const sessions = await member.listUserSessions({ projectRef, userId })
  expect(sessions.map(({ userAgent }) => userAgent)).toEqual(['three', 'two', 'one'])
  expect(sessions[0]).toMatchObject({ ip: '192.0.2.7', aal: 'aal1', methods: ['password'], createdAt: expect.any(Date), notAfter: null })
  expect(await member.endUserSessions({ projectRef, userId, sessionId: sessions[1]!.id })).toEqual({ count: 1 })
  const again = member.endUserSessions({ projectRef, userId, sessionId: sessions[1]!.id })
  await expect(again).rejects.toMatchObject(refusal('auth.session_not_found'))
  expect(await member.endUserSessions({ projectRef, userId })).toEqual({ count: 2 })
})

test('a member sees what a user sees, for an hour at most, and the log says so', async () => {
  const { id: userId, email } = await add()
  const { accessToken, expiresAt } = await member.impersonateUser({ projectRef, userId })
  expect(expiresAt.getTime()).toBeLessThanOrEqual(Date.now() + 3_601_000)
  const { tokens } = await at.project.scope('anon')
  const claims = tokens.verify(accessToken)
  expect(claims).toMatchObject({ sub: userId, role: 'authenticated', email, aal: 'aal1', amr: [{ method: 'impersonation' }] })
  const asUser = await at.project.scope('authenticated', claims)
  expect((await at.auth.getUser(asUser)).id).toBe(userId)
  expect((await member.listUserSessions({ projectRef, userId })).length).toBe(0)
  expect((await actions())[0]).toBe('user.impersonate')
  const viewer = await at.open('viewer', 'viewer')
  await expect(viewer.impersonateUser({ projectRef, userId })).rejects.toMatchObject(refusal('access.forbidden'))
})

test('invitations, links that are mailed and links that are not', async () => {
  const email = newEmail()
  const invited = await member.inviteUser({ projectRef, email, userMetadata: { team: 'red' } })
  expect(invited).toMatchObject({ email, emailConfirmedAt: null, userMetadata: { team: 'red' } })
  await member.sendUserLink({ projectRef, userId: invited.id, type: 'recovery' })
  expect((await member.listInbox({ projectRef, search: email })).map(({ kind }) => kind)).toEqual(['recovery', 'invite'])
  const link = await member.createLink({ projectRef, type: 'magiclink', email })
  expect(link).toMatchObject({ userId: invited.id, verificationType: 'magiclink', redirectTo: 'http://localhost:3000' })
  const opened = await at.auth.verify(await at.project.scope('anon'), {
    ...{ type: 'magiclink', token: link.emailOtp, email, phone: '', tokenHash: '', redirectTo: '', client },
  })
  expect(opened).toMatchObject({ kind: 'session', session: { user: { email, emailConfirmedAt: expect.any(Date) } } })
  await expect(member.inviteUser({ projectRef, email })).rejects.toMatchObject(refusal('auth.email_exists'))
  const confirmation = member.sendUserLink({ projectRef, userId: invited.id, type: 'signup' })
  await expect(confirmation).rejects.toMatchObject(refusal('auth.email_exists'))
})
