import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ConfigError, environmentSchema, loadConfig, toBlockList } from './config.ts'

const linesOf = (environment: NodeJS.ProcessEnv): readonly string[] => {
  try {
    loadConfig(environment)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.lines
    throw error
  }
}

describe('loadConfig', () => {
  test('needs nothing: every setting has a default, and only this machine is served', () => {
    const config = loadConfig({})
    expect(config.http).toMatchObject({ host: '127.0.0.1', port: 8000, publicUrl: 'http://localhost:8000', trustedProxies: [] })
    expect(config.pools).toMatchObject({ maxPerProject: 10, idleMs: 300_000, connectMs: 5000, statementTimeoutMs: 30_000 })
    expect(config.cluster).toMatchObject({ postgresPort: 54_329, warmDatabases: 4 })
    expect(config.platform.isSignUpOpen).toBe(true)
  })

  test('an empty text is the same as none', () => {
    expect(loadConfig({ POLDER_PORT: '', POLDER_MASTER_KEY: '', POLDER_PUBLIC_URL: '' }).http.port).toBe(8000)
  })

  test('the public address follows the port, and loses its slash', () => {
    expect(loadConfig({ POLDER_PORT: '8123' }).http.publicUrl).toBe('http://localhost:8123')
    expect(loadConfig({ POLDER_PUBLIC_URL: 'https://polder.test/' }).http.publicUrl).toBe('https://polder.test')
  })

  test('names every mistake in a line of its own, and repeats no value', () => {
    const lines = linesOf({ POLDER_PORT: 'eighty', POLDER_POOL_MAX: '-1', POLDER_MASTER_KEY: 'canary-secret', POLDER_LOG_LEVEL: 'loud' })
    expect(lines).toHaveLength(4)
    for (const name of ['POLDER_PORT', 'POLDER_POOL_MAX', 'POLDER_MASTER_KEY', 'POLDER_LOG_LEVEL']) {
      expect(lines.filter((line) => line.startsWith(name))).toHaveLength(1)
    }
    expect(lines.join()).not.toContain('canary')
  })

  test('a misspelt setting is a mistake, with the one that was meant', () => {
    expect(linesOf({ POLDER_PROT: '9000' })).toEqual(['There is no setting POLDER_PROT. Did you mean POLDER_PORT?'])
    expect(linesOf({ POLDER_DATADIR: '/tmp/x' })).toEqual(['There is no setting POLDER_DATADIR. Did you mean POLDER_DATA_DIR?'])
    expect(linesOf({ POLDER_URL: 'http://x', POLDER_TOKEN: 'of the SDK', HOME: '/root' })).toEqual([])
  })

  test('takes secrets out of the environment, also when something is wrong', () => {
    const key = Buffer.alloc(32, 7).toString('base64')
    const right: NodeJS.ProcessEnv = { POLDER_MASTER_KEY: key, POLDER_CLUSTER_URL: 'postgres://admin:canary@127.0.0.1/postgres' }
    const config = loadConfig(right)
    expect(config.data.masterKey).toEqual(Buffer.alloc(32, 7))
    expect(config.cluster.url).toContain('canary')
    expect(right).toEqual({})
    const wrong: NodeJS.ProcessEnv = { POLDER_MASTER_KEY: key, POLDER_PORT: '0' }
    expect(linesOf(wrong)).toHaveLength(1)
    expect(wrong).toEqual({ POLDER_PORT: '0' })
  })

  test.each([
    ['POLDER_PUBLIC_URL', 'ftp://x'],
    ['POLDER_PUBLIC_URL', 'https://x/path'],
    ['POLDER_PUBLIC_URL', 'javascript:alert(1)'],
    ['POLDER_BASE_DOMAIN', '*.example.com'],
    ['POLDER_BASE_DOMAIN', 'a b'],
    ['POLDER_TRUSTED_PROXIES', '10.0.0.0/33'],
    ['POLDER_TRUSTED_PROXIES', 'everybody'],
    ['POLDER_TRUSTED_PROXIES', '::1/'],
    ['POLDER_MASTER_KEY', Buffer.alloc(31).toString('base64')],
    ['POLDER_CLUSTER_URL', 'mysql://x'],
    ['POLDER_PORT', '65536'],
    ['POLDER_PORT', '80.5'],
    ['POLDER_PORT', 'NaN'],
    ['POLDER_SIGN_UP', 'yes'],
  ])('refuses %s=%s', (name, value) => {
    expect(linesOf({ [name]: value })).toHaveLength(1)
  })

  test('whatever a value is, the answer is a configuration or lines', () => {
    const names = Object.keys(environmentSchema.shape)
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names), fc.string({ unit: 'binary' })), (environment) => {
        for (const line of linesOf({ ...environment })) expect(line).not.toContain('\n')
      }),
      { numRuns: 300 },
    )
  })
})

test('every setting says what it is for', () => {
  for (const [name, schema] of Object.entries(environmentSchema.shape)) expect(schema.description, name).toMatch(/\.$/)
})

test('networks match the addresses in them', () => {
  const list = toBlockList(['10.0.0.0/8', '::1', '192.168.1.7'])
  expect(list.check('10.9.8.7')).toBe(true)
  expect(list.check('11.0.0.1')).toBe(false)
  expect(list.check('192.168.1.7')).toBe(true)
  expect(list.check('::1', 'ipv6')).toBe(true)
  expect(list.check('::2', 'ipv6')).toBe(false)
})

test('files on S3 need a bucket and keys, and the secret key does not stay in the environment', () => {
  const environment: NodeJS.ProcessEnv = { POLDER_STORAGE: 's3', POLDER_STORAGE_S3_SECRET_KEY: 'hidden' }
  expect(() => loadConfig(environment)).toThrow(/POLDER_STORAGE_S3_BUCKET is missing.*\n.*POLDER_STORAGE_S3_ACCESS_KEY is missing/)
  expect(environment.POLDER_STORAGE_S3_SECRET_KEY).toBeUndefined()
  expect(loadConfig({}).storage).toEqual({ s3: undefined, quotaBytes: null })
})
