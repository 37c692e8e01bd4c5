import { expect, test } from 'vitest'
import { toPgHba, toPostgresConf } from './postgres-settings.ts'

/** First match of pg_hba.conf, as Postgres reads it; groups are what `samerole` asks. */
function decide(database: string, user: string, groups: string[] = []): string {
  for (const line of toPgHba().split('\n')) {
    const [type, databases = '', users = '', method] = line.startsWith('host') ? dropAddress(line.split(' ')) : line.split(' ')
    if (type !== 'local') continue
    if (matches(databases, database, groups) && matches(users, user, [])) return method ?? ''
  }
  return 'none'
}

function dropAddress(parts: string[]): string[] {
  return parts.filter((_, index) => index !== 3)
}

function matches(list: string, name: string, groups: string[]): boolean {
  return list.split(',').some((item) => {
    const text = item.replaceAll('"', '')
    if (text === 'all') return true
    if (text === 'samerole') return groups.includes(name)
    return text.startsWith('/') ? new RegExp(text.slice(1)).test(name) : text === name
  })
}

const groups = ['project_alpha', 'project_owner', 'anon', 'platform_internal']

test.each([
  ['postgres', 'postgres', 'scram-sha-256'],
  ['platform', 'postgres', 'scram-sha-256'],
  ['platform', 'platform_ctl', 'scram-sha-256'],
  ['platform_0f1e2d', 'platform_ctl', 'scram-sha-256'],
  ['project_spare_new_0123456789ab', 'platform_ctl', 'scram-sha-256'],
  ['project_template_0123456789abcdef', 'postgres', 'scram-sha-256'],
  ['project_alpha', 'project_alpha_owner', 'scram-sha-256'],
  ['project_alpha', 'project_alpha_backup', 'scram-sha-256'],
  ['project_alpha', 'platform_repl', 'scram-sha-256'],
])('%s lets %s in', (database, user, method) => {
  expect(decide(database, user, groups)).toBe(method)
})

test.each([
  ['project_alpha', 'postgres'],
  ['project_alpha', 'platform_ctl'],
  ['project_a-b-9', 'postgres'],
  ['project_template', 'postgres'],
  ['project_spare_0123456789abcdef_0123', 'postgres'],
  ['project_spare_0123456789abcdef_0123', 'platform_ctl'],
  ['project_spare-new-0123456789ab', 'platform_ctl'],
  ['project_spare_new_0123456789ab', 'project_alpha_owner'],
  ['project_spare_new_0123456789ab', 'postgres'],
  ['project_template_0123456789abcdef', 'platform_ctl'],
  ['postgres', 'platform_ctl'],
  ['template1', 'postgres'],
  ['template1', 'project_alpha_owner'],
  ['postgres', 'project_alpha_owner'],
  ['platform', 'project_alpha_owner'],
  ['platform', 'platform_repl'],
  ['project_beta', 'project_alpha_owner'],
  ['project_beta', 'project_alpha_platform'],
  ['project_alpha', 'anon'],
  ['anon', 'anon'],
  ['replication', 'platform_repl'],
])('%s refuses %s', (database, user) => {
  expect(decide(database, user, groups)).toBe('reject')
})

test('every rule stands for the socket and for loopback alike, and none for replication', () => {
  const lines = toPgHba().trim().split('\n').slice(1)
  const local = lines.filter((line) => line.startsWith('local')).map((line) => line.split(' ').slice(1, 3))
  const host = lines.filter((line) => line.startsWith('host')).map((line) => line.split(' ').slice(1, 3))
  expect(local).toEqual(host)
  expect(lines.filter((line) => line.startsWith('host') && !line.endsWith('reject')).every((line) => line.includes(' 127.0.0.1/32 '))).toBe(
    true,
  )
  expect(toPgHba()).not.toMatch(/replication|trust|md5|peer/)
})

test('values cannot leave their line', () => {
  expect(toPostgresConf({ log_directory: "it's", jit: false, port: 5 })).toBe(
    "# Written at every start.\nlog_directory = 'it''s'\njit = off\nport = 5\n",
  )
})
