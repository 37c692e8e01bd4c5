import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openTestStage, PASSWORD, refusal, type TestStage } from '../trpc/testing/test-stage.ts'
import { createPasswords } from './passwords.ts'
import { createRateLimits, RATE_LIMITS } from './rate-limits.ts'

let stage: TestStage

beforeAll(async () => {
  stage = await openTestStage()
})
afterAll(() => stage[Symbol.asyncDispose]())

const sessionRow = (sessionId: string) =>
  stage.cluster.platform
    .selectFrom('sessions')
    .selectAll()
    .where('id', '=', createHash('sha256').update(sessionId).digest('hex'))
    .executeTakeFirst()

describe('sign-up', () => {
  test('20 at once on an empty installation make one administrator, and an organization each', async () => {
    expect(await stage.visit().call.installation.get()).toEqual({ version: '0.0.0-test', needsFirstAccount: true, isSignUpOpen: true })
    const people = await Promise.all(Array.from({ length: 20 }, (_, index) => stage.signUp(`racer${index}`)))
    expect(people.filter((person) => person.account.isAdministrator)).toHaveLength(1)
    for (const person of people) {
      const organizations = await person.call.organizations.list()
      expect(organizations).toMatchObject([{ role: 'owner', memberCount: 1, projectCount: 0 }])
    }
    expect(await stage.visit().call.installation.get()).toMatchObject({ needsFirstAccount: false })
  })

  test('one of many with the same e-mail succeeds, whatever its case', async () => {
    const emails = ['Twin@example.com', 'twin@Example.com', ' twin@example.com ', 'TWIN@EXAMPLE.COM']
    const tries = await Promise.allSettled(emails.map((email) => stage.visit().call.account.signUp({ email, password: PASSWORD })))
    expect(tries.filter((attempt) => attempt.status === 'fulfilled')).toHaveLength(1)
    for (const attempt of tries) if (attempt.status === 'rejected') expect(attempt.reason).toMatchObject(refusal('account.email_taken'))
  })

  test('names the organization after the person, also when the name is as long as it may be', async () => {
    const long = '🦩'.repeat(50)
    const door = stage.visit()
    await door.call.account.signUp({ email: 'long@example.com', password: PASSWORD, name: long })
    const [organization] = await (await stage.return(String(door.cookie()))).call.organizations.list()
    expect(organization?.name).toMatch(/^🦩+'s organization$/u)
  })

  test.each([
    ['short', 'request.invalid'],
    ['password123', 'account.password_weak'],
    ['P@ssw0rd2024!', 'account.password_weak'],
    ['1234567890', 'account.password_weak'],
    ['qwertyuiop', 'account.password_weak'],
    ['aaaaaaaaaaaa', 'account.password_weak'],
    ['weakling@example.com', 'account.password_weak'],
    ['x'.repeat(257), 'request.invalid'],
    ['half a \ud800 pair', 'request.invalid'],
  ])('refuses the password %j', async (password, code) => {
    await expect(stage.visit().call.account.signUp({ email: 'weakling@example.com', password })).rejects.toMatchObject(refusal(code))
  })

  test('closed by an administrator, lets nobody in but by invitation', async () => {
    const administrator = await stage.cluster.platform
      .selectFrom('accounts')
      .select('email')
      .where('is_administrator', '=', true)
      .executeTakeFirstOrThrow()
    const door = stage.visit()
    await door.call.account.signIn({ email: administrator.email, password: PASSWORD })
    const chief = (await stage.return(String(door.cookie()))).call
    await chief.installation.update({ isSignUpOpen: false })
    await expect(stage.signUp('latecomer')).rejects.toMatchObject(refusal('account.sign_up_closed'))

    const [organization] = await chief.organizations.list()
    const organizationId = String(organization?.id)
    const { token } = await chief.organizations.invite({ organizationId, email: 'guest@example.com', role: 'developer' })
    await expect(stage.signUp('stranger', { invitationToken: token })).rejects.toMatchObject(refusal('organization.invitation_other_email'))
    await expect(stage.signUp('guest', { invitationToken: 'guessed' })).rejects.toMatchObject(refusal('organization.invitation_not_found'))
    const guest = await stage.signUp('guest', { invitationToken: token })
    expect((await guest.call.organizations.list()).map(({ role }) => role).toSorted()).toEqual(['developer', 'owner'])
    await chief.installation.update({ isSignUpOpen: true })
    await expect(guest.call.installation.update({ isSignUpOpen: false })).rejects.toMatchObject(refusal('access.forbidden'))
  })
})

describe('sign-in', () => {
  test('answers alike for an unknown e-mail, a wrong password, and what is no e-mail', async () => {
    await stage.signUp('known')
    const answers = await Promise.all(
      ['known@example.com', 'unknown@example.com', 'no e-mail', 'nul\u0000@example.com', '\ud800', ''].map((email) =>
        stage
          .visit()
          .call.account.signIn({ email, password: 'a wrong password' })
          .then(
            () => 'signed in',
            (error) => JSON.stringify([error.code, error.message, error.cause.code]),
          ),
      ),
    )
    expect(new Set(answers)).toEqual(
      new Set([JSON.stringify(['UNAUTHORIZED', 'E-mail or password is wrong.', 'account.credentials_invalid'])]),
    )
  })

  test('takes the e-mail in any case and the password in either normal form', async () => {
    const password = 'Übergrößenträger'
    await stage.visit().call.account.signUp({ email: 'umlaut@example.com', password: password.normalize('NFC') })
    await expect(
      stage.visit().call.account.signIn({ email: ' UMLAUT@example.com', password: password.normalize('NFD') }),
    ).resolves.toBeTruthy()
  })

  test('starts another session and ends the one that the browser had', async () => {
    const person = await stage.signUp('rotating')
    const door = stage.visit(person.account)
    await door.call.account.signIn({ email: person.email, password: PASSWORD })
    expect(door.cookie()).toMatch(/^[\w-]{43}$/)
    expect(door.cookie()).not.toBe(person.sessionId)
    expect((await stage.return(person.sessionId)).context.account).toBeNull()
  })

  test('is not possible for a disabled account, and its sessions and tokens end', async () => {
    const person = await stage.signUp('disabled')
    const { token } = await person.call.account.createToken({ name: 'script', access: 'read' })
    await stage.cluster.platform.updateTable('accounts').set({ disabled_at: new Date() }).where('email', '=', person.email).execute()
    await expect(stage.visit().call.account.signIn({ email: person.email, password: PASSWORD })).rejects.toMatchObject(
      refusal('account.disabled'),
    )
    await expect(stage.visit().call.account.signIn({ email: person.email, password: 'a wrong one' })).rejects.toMatchObject(
      refusal('account.credentials_invalid'),
    )
    expect((await stage.return(person.sessionId)).context.account).toBeNull()
    expect((await stage.return(token)).context.account).toBeNull()
  })

  test('brings a hash of older parameters up to date', async () => {
    const person = await stage.signUp('dated')
    const old = await createPasswords({ cost: { memoryKib: 32, passes: 2, lanes: 1 } }).hash(PASSWORD)
    await stage.cluster.platform.updateTable('accounts').set({ password_hash: old }).where('email', '=', person.email).execute()
    for (let round = 0; round < 2; round++) await stage.visit().call.account.signIn({ email: person.email, password: PASSWORD })
    const row = await stage.cluster.platform
      .selectFrom('accounts')
      .select('password_hash')
      .where('email', '=', person.email)
      .executeTakeFirstOrThrow()
    expect(row.password_hash).toMatch(/^\$argon2id\$v=19\$m=64,t=1,p=1\$/)
  })
})

describe('guessing', () => {
  test('is stopped for one account from one network, not for its owner elsewhere, and not for good', async () => {
    const limits = createRateLimits({ ...RATE_LIMITS, signInByAccountAndIp: { points: 3, seconds: 1 } })
    await using limited = await openTestStage({ limits })
    const { email } = await limited.signUp('besieged')
    const signIn = (password: string, ip: string, name = email) => limited.visit(null, ip).call.account.signIn({ email: name, password })
    for (let round = 0; round < 5; round++) await signIn(PASSWORD, '192.0.2.9')
    for (const spelling of [email, email.toUpperCase(), ` ${email}`]) {
      await expect(signIn('a wrong guess', '192.0.2.9', spelling)).rejects.toMatchObject(refusal('account.credentials_invalid'))
    }
    await expect(signIn(PASSWORD, '192.0.2.9')).rejects.toMatchObject({
      cause: { code: 'request.rate_limited', details: { retryAfterSeconds: expect.any(Number) } },
    })
    await expect(signIn(PASSWORD, '198.51.100.1')).resolves.toMatchObject({ email })
    await new Promise((resolve) => setTimeout(resolve, 1100))
    await expect(signIn(PASSWORD, '192.0.2.9')).resolves.toMatchObject({ email })
  })

  test('is stopped for one network over many accounts, and for a password that is to be changed', async () => {
    const limits = createRateLimits({
      ...RATE_LIMITS,
      signInByIp: { points: 4, seconds: 60 },
      passwordByAccount: { points: 2, seconds: 60 },
    })
    await using limited = await openTestStage({ limits })
    const person = await limited.signUp('sprayed')
    const codes: string[] = []
    for (let round = 0; round < 6; round++) {
      const attempt = limited.visit().call.account.signIn({ email: `victim${round}@example.com`, password: 'a wrong guess' })
      codes.push(
        await attempt.then(
          () => 'in',
          (error) => error.cause.code,
        ),
      )
    }
    expect(codes.slice(4)).toEqual(['request.rate_limited', 'request.rate_limited'])
    const change = () => person.call.account.changePassword({ currentPassword: 'a wrong guess', newPassword: 'another pony battery' })
    for (let round = 0; round < 2; round++) await expect(change()).rejects.toMatchObject(refusal('account.password_wrong'))
    await expect(change()).rejects.toMatchObject(refusal('request.rate_limited'))
  })
})

describe('sessions', () => {
  test('a copy of the table signs nobody in', async () => {
    const person = await stage.signUp('copied')
    const row = await sessionRow(person.sessionId)
    expect(row).toBeTruthy()
    for (const stolen of [row?.id, row?.public_id]) expect((await stage.return(String(stolen))).context.account).toBeNull()
  })

  test('end when idle for seven days, and 30 days after their start at the latest', async () => {
    const person = await stage.signUp('ageing')
    const hash = String((await sessionRow(person.sessionId))?.id)
    const age = (set: Partial<Record<'created_at' | 'last_seen_at' | 'expires_at', Date>>) =>
      stage.cluster.platform.updateTable('sessions').set(set).where('id', '=', hash).execute()
    const day = 86_400_000
    const daysFromNow = (date: Date | undefined) => Math.round((Number(date) - Date.now()) / day)

    await age({ last_seen_at: new Date(Date.now() - 2 * day), expires_at: new Date(Date.now() + 5 * day) })
    expect((await stage.return(person.sessionId)).context.account).not.toBeNull()
    expect(daysFromNow((await sessionRow(person.sessionId))?.expires_at)).toBe(7)

    await age({
      created_at: new Date(Date.now() - 28 * day),
      last_seen_at: new Date(Date.now() - day),
      expires_at: new Date(Date.now() + day),
    })
    expect((await stage.return(person.sessionId)).context.account).not.toBeNull()
    expect(daysFromNow((await sessionRow(person.sessionId))?.expires_at)).toBe(2)

    await age({ expires_at: new Date(Date.now() - 1000) })
    expect((await stage.return(person.sessionId)).context.account).toBeNull()
    expect(await sessionRow(person.sessionId)).toBeUndefined()
  })

  test('are listed without their ids and revoked one by one, or all others at once; nobody else’s', async () => {
    const person = await stage.signUp('listed')
    const other = await stage.signUp('other')
    const doors = [stage.visit(), stage.visit()]
    for (const door of doors) await door.call.account.signIn({ email: person.email, password: PASSWORD })
    const sessions = await person.call.account.listSessions()
    expect(sessions).toHaveLength(3)
    expect(sessions.filter((session) => session.isCurrent)).toHaveLength(1)
    const foreign = await other.call.account.listSessions()
    await expect(person.call.account.revokeSession({ id: String(foreign[0]?.id) })).rejects.toMatchObject(
      refusal('account.session_not_found'),
    )
    await person.call.account.revokeSession({ id: String(sessions.find((session) => !session.isCurrent)?.id) })
    expect(await person.call.account.revokeOtherSessions({})).toEqual({ revoked: 1 })
    expect((await stage.return(person.sessionId)).context.account).not.toBeNull()
    const door = stage.visit(person.account)
    await door.call.account.signOut({})
    expect(door.cookie()).toBeNull()
    expect((await stage.return(person.sessionId)).context.account).toBeNull()
    expect((await stage.return(other.sessionId)).context.account).not.toBeNull()
  })
})

describe('a new password', () => {
  test('ends every session and hands this browser a new one', async () => {
    const person = await stage.signUp('changing')
    const elsewhere = stage.visit()
    await elsewhere.call.account.signIn({ email: person.email, password: PASSWORD })
    const door = stage.visit(person.account)
    const newPassword = 'another pony battery'
    await expect(door.call.account.changePassword({ currentPassword: 'not that', newPassword })).rejects.toMatchObject(
      refusal('account.password_wrong'),
    )
    await expect(door.call.account.changePassword({ currentPassword: PASSWORD, newPassword: 'password123' })).rejects.toMatchObject(
      refusal('account.password_weak'),
    )
    await door.call.account.changePassword({ currentPassword: PASSWORD, newPassword })
    for (const old of [person.sessionId, String(elsewhere.cookie())]) expect((await stage.return(old)).context.account).toBeNull()
    expect((await stage.return(String(door.cookie()))).context.account?.email).toBe(person.email)
    await expect(stage.visit().call.account.signIn({ email: person.email, password: PASSWORD })).rejects.toMatchObject(
      refusal('account.credentials_invalid'),
    )
    expect(stage.published).toContainEqual({ type: 'access_changed', accountId: person.account.accountId })
  })

  test('set twice at once from one old password is set once', async () => {
    const person = await stage.signUp('hurried')
    const tries = await Promise.allSettled(
      ['first new password', 'second new password'].map((newPassword) =>
        stage.visit(person.account).call.account.changePassword({ currentPassword: PASSWORD, newPassword }),
      ),
    )
    expect(tries.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
  })
})

test('whatever changes something is in the log, without secrets', async () => {
  const rows = await stage.cluster.platform.selectFrom('audit_log').selectAll().execute()
  const actions = new Set(rows.map(({ action }) => action))
  for (const action of [
    'account.create',
    'account.sign_in',
    'account.sign_out',
    'account.change_password',
    'session.revoke',
    'installation.update',
  ]) {
    expect(actions).toContain(action)
  }
  expect(JSON.stringify(rows)).not.toContain('argon2')
  expect(JSON.stringify(rows)).not.toContain('pony')
})
