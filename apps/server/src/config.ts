import { BlockList, isIP } from 'node:net'
import path from 'node:path'
import { z } from 'zod'

const port = (fallback: number) => z.coerce.number().int().min(1).max(65_535).default(fallback)
const count = (min: number, max: number, fallback: number) => z.coerce.number().int().min(min).max(max).default(fallback)

// Browsers put the dashboard and its cookies at the root of an origin, so a path would be a lie.
const isHttpUrl = (text: string) => {
  const url = URL.parse(text)
  return (
    url !== null && /^https?:$/.test(url.protocol) && url.pathname === '/' && url.search === '' && url.hash === '' && url.username === ''
  )
}
const isRegistryUrl = (text: string) => /^https?:$/.test(URL.parse(text)?.protocol ?? '')
const isPostgresUrl = (text: string) => /^postgres(?:ql)?:$/.test(URL.parse(text)?.protocol ?? '')
const isBaseDomain = (text: string) => /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(text)
const isMasterKey = (text: string) => /^[A-Za-z0-9+/]{43}=$/.test(text)
const isNetwork = (text: string) => {
  const [address = '', bits] = text.split('/')
  const family = isIP(address)
  return family !== 0 && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128)))
}

const networks = z
  .string()
  .default('')
  .transform((text) =>
    text
      .split(',')
      .map((part) => part.trim())
      .filter(Boolean),
  )
  .refine((list) => list.every(isNetwork), 'takes addresses or networks separated by commas, for example 10.0.0.0/8,::1')

/** Every setting, by its name in the environment; docs/configuration.md is compared with it. */
export const environmentSchema = z.object({
  POLDER_PORT: port(8000).describe('Port that the server listens on.'),
  POLDER_HOST: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe('Address that the server listens on. Only this machine reaches it unless you set another, for example 0.0.0.0.'),
  POLDER_PUBLIC_URL: z
    .string()
    .refine(isHttpUrl, 'takes an http or https URL without a path')
    .optional()
    .describe('Address under which browsers and apps reach the server; http://localhost:<port> when absent.'),
  POLDER_BASE_DOMAIN: z
    .string()
    .toLowerCase()
    .refine(isBaseDomain, 'takes a domain name')
    .optional()
    .describe('Domain whose sub-domains are projects: <ref>.<domain> answers like /projects/<ref>.'),
  POLDER_TRUSTED_PROXIES: networks.describe(
    'Addresses or networks of proxies whose X-Forwarded-For and X-Request-Id are believed, separated by commas.',
  ),
  POLDER_DATA_DIR: z.string().min(1).optional().describe('Folder of everything that is kept; data/ beside the code when absent.'),
  POLDER_MASTER_KEY: z
    .string()
    .refine(isMasterKey, 'takes 32 bytes in base64')
    .optional()
    .describe('Key that secrets are encrypted with: 32 bytes in base64. Made in <data>/master.key when absent.'),
  POLDER_POSTGRES_PORT: port(54_329).describe('Port of the embedded Postgres on loopback; the next free one is taken when it is in use.'),
  POLDER_POSTGRES_BIN: z
    .string()
    .min(1)
    .optional()
    .describe('Folder with the machine’s own postgres and initdb, instead of the ones that npm ships.'),
  POLDER_CLUSTER_URL: z
    .string()
    .refine(isPostgresUrl, 'takes a postgres:// URL')
    .optional()
    .describe('Administrator’s URL of an external Postgres server, which is then used instead of the embedded one.'),
  POLDER_WARM_DATABASES: count(0, 100, 4).describe('How many prepared databases wait for new projects.'),
  POLDER_POOL_MAX: count(1, 1000, 10).describe('Most connections of one project.'),
  POLDER_POOL_TOTAL: count(1, 10_000, 80).describe('Most connections of all projects together.'),
  POLDER_POOL_IDLE_SECONDS: count(1, 86_400, 300).describe('After how long an unused connection of a project is closed.'),
  POLDER_POOL_CONNECT_SECONDS: count(1, 300, 5).describe('How long a new connection, or a place in the queue for one, is waited for.'),
  POLDER_STATEMENT_TIMEOUT_SECONDS: count(1, 3600, 30).describe('How long one statement of an app may run.'),
  POLDER_REQUESTS_PER_PROJECT: count(1, 100_000, 500).describe(
    'Most requests of apps that one project answers at the same time; more are refused with 429.',
  ),
  POLDER_REQUESTS_TOTAL: count(1, 1_000_000, 4000).describe(
    'Most requests of apps that the server answers at the same time; more are refused with 503.',
  ),
  POLDER_OUTGOING_NETWORKS: networks.describe(
    'Addresses or networks that hooks, webhooks and functions may reach although they are not public, separated by commas. ' +
      'The installation’s own ports stay out of reach.',
  ),
  POLDER_FUNCTION_PROCESSES: count(1, 10_000, 200).describe(
    'Most processes that run functions, one a project; beyond it, those that rest give way.',
  ),
  POLDER_WARM_FUNCTIONS: count(0, 100, 2).describe(
    'How many started processes wait for a call of a function, once any project has one. Each takes about 30 MB.',
  ),
  POLDER_NPM_REGISTRY: z
    .string()
    .refine(isRegistryUrl, 'takes an http or https URL')
    .default('https://registry.npmjs.org/')
    .describe('Registry that npm: imports of functions are fetched from when they are deployed.'),
  POLDER_JSR_REGISTRY: z
    .string()
    .refine(isRegistryUrl, 'takes an http or https URL')
    .default('https://npm.jsr.io/')
    .describe('Registry that jsr: imports of functions are fetched from: JSR’s own, by npm’s protocol.'),
  POLDER_STORAGE: z
    .enum(['disk', 's3'])
    .default('disk')
    .describe('Where files are kept: in the data folder, or in a bucket of an S3-compatible server.'),
  POLDER_STORAGE_S3_ENDPOINT: z
    .string()
    .refine(isHttpUrl, 'takes an http or https URL without a path')
    .optional()
    .describe('Address of the S3-compatible server; AWS when absent.'),
  POLDER_STORAGE_S3_REGION: z.string().min(1).default('us-east-1').describe('Region of that bucket.'),
  POLDER_STORAGE_S3_BUCKET: z.string().min(1).optional().describe('Name of that bucket; it must be there.'),
  POLDER_STORAGE_S3_ACCESS_KEY: z.string().min(1).optional().describe('Access key of that server.'),
  POLDER_STORAGE_S3_SECRET_KEY: z.string().min(1).optional().describe('Secret key of that server.'),
  POLDER_STORAGE_QUOTA_BYTES: z.coerce
    .number()
    .int()
    .min(0)
    .max(Number.MAX_SAFE_INTEGER)
    .optional()
    .describe('Most bytes of files of one project; no limit when absent. A project can be given less in its settings.'),
  POLDER_SIGN_UP: z
    .enum(['open', 'closed'])
    .default('open')
    .describe('Whether anybody can make an account on a new installation; the first account always can. Changed in the dashboard later.'),
  POLDER_LOG_DAYS: count(1, 90, 30).describe('Most days that the log of a project is kept, whatever the project’s own settings say.'),
  POLDER_LOG_MEGABYTES_PER_PROJECT: count(1, 1_000_000, 1024).describe(
    'Most that the log of one project may take; its oldest lines go first.',
  ),
  POLDER_LOG_MEGABYTES: count(100, 10_000_000, 10_240).describe('Most that the logs of all projects may take; the oldest days go first.'),
  POLDER_LOG_LEVEL: z
    .enum(['debug', 'info', 'warn', 'error'])
    .default('info')
    .describe('What the server itself logs; debug has a line for every request. The logs of projects do not depend on it.'),
})

// Names that are not settings of the server, but of what starts it.
const FOREIGN = /^POLDER_(?:TEST|E2E|BENCH|DEV|URL$|TOKEN$)/

/** Settings that must not stay in the environment, where child processes and crash reports would find them. */
const SECRETS = ['POLDER_MASTER_KEY', 'POLDER_CLUSTER_URL', 'POLDER_STORAGE_S3_SECRET_KEY'] as const

/** One line per wrong setting. */
export class ConfigError extends Error {
  readonly lines: readonly string[]

  constructor(lines: readonly string[]) {
    super(lines.join('\n'))
    this.name = 'ConfigError'
    this.lines = lines
  }
}

export type Config = ReturnType<typeof loadConfig>

/** Parses the environment once, at start, and takes the secrets out of it. Throws a ConfigError with one line per mistake. */
export function loadConfig(environment: NodeJS.ProcessEnv) {
  const given = Object.fromEntries(Object.entries(environment).filter(([name, value]) => name.startsWith('POLDER_') && value !== ''))
  const unknown = Object.keys(given).filter((name) => !(name in environmentSchema.shape) && !FOREIGN.test(name))
  const parsed = environmentSchema.safeParse(given)
  for (const name of SECRETS) delete environment[name]
  const lines = [
    ...unknown.map((name) => `There is no setting ${name}.${suggest(name)}`),
    // Values are not repeated: they may be secrets.
    ...(parsed.data ? listMissing(parsed.data) : []),
    ...(parsed.error?.issues ?? []).map((issue) => `${String(issue.path[0])} is wrong: ${issue.message}.`),
  ]
  if (!parsed.success || lines.length > 0) throw new ConfigError(lines)
  const settings = parsed.data
  const publicUrl = new URL(settings.POLDER_PUBLIC_URL ?? `http://localhost:${settings.POLDER_PORT}`)
  return {
    http: {
      host: settings.POLDER_HOST,
      port: settings.POLDER_PORT,
      publicUrl: publicUrl.origin,
      baseDomain: settings.POLDER_BASE_DOMAIN,
      trustedProxies: settings.POLDER_TRUSTED_PROXIES,
      requestsPerProject: settings.POLDER_REQUESTS_PER_PROJECT,
      requestsTotal: settings.POLDER_REQUESTS_TOTAL,
    },
    cluster: {
      postgresPort: settings.POLDER_POSTGRES_PORT,
      postgresBin: settings.POLDER_POSTGRES_BIN,
      url: settings.POLDER_CLUSTER_URL,
      warmDatabases: settings.POLDER_WARM_DATABASES,
    },
    pools: {
      maxPerProject: settings.POLDER_POOL_MAX,
      maxTotal: settings.POLDER_POOL_TOTAL,
      idleMs: settings.POLDER_POOL_IDLE_SECONDS * 1000,
      connectMs: settings.POLDER_POOL_CONNECT_SECONDS * 1000,
      statementTimeoutMs: settings.POLDER_STATEMENT_TIMEOUT_SECONDS * 1000,
    },
    data: {
      folder: settings.POLDER_DATA_DIR === undefined ? undefined : path.resolve(settings.POLDER_DATA_DIR),
      masterKey: settings.POLDER_MASTER_KEY === undefined ? undefined : Buffer.from(settings.POLDER_MASTER_KEY, 'base64'),
    },
    storage: toStorageSettings(settings),
    outgoing: { allowed: settings.POLDER_OUTGOING_NETWORKS },
    functions: {
      processes: { warm: settings.POLDER_WARM_FUNCTIONS, max: settings.POLDER_FUNCTION_PROCESSES },
      npm: { registry: settings.POLDER_NPM_REGISTRY, jsrRegistry: settings.POLDER_JSR_REGISTRY },
    },
    platform: { isSignUpOpen: settings.POLDER_SIGN_UP === 'open' },
    log: { level: settings.POLDER_LOG_LEVEL },
    logs: {
      maxDays: settings.POLDER_LOG_DAYS,
      maxBytesPerProject: settings.POLDER_LOG_MEGABYTES_PER_PROJECT * 1_000_000,
      maxBytes: settings.POLDER_LOG_MEGABYTES * 1_000_000,
    },
  }
}

const S3_SETTINGS = ['POLDER_STORAGE_S3_BUCKET', 'POLDER_STORAGE_S3_ACCESS_KEY', 'POLDER_STORAGE_S3_SECRET_KEY'] as const

type Settings = z.infer<typeof environmentSchema>

/** Settings that others make necessary. */
function listMissing(settings: Settings): string[] {
  if (settings.POLDER_STORAGE !== 's3') return []
  return S3_SETTINGS.filter((name) => settings[name] === undefined).map((name) => `${name} is missing: POLDER_STORAGE is s3.`)
}

function toStorageSettings(settings: Settings) {
  const s3 = {
    endpoint: settings.POLDER_STORAGE_S3_ENDPOINT,
    region: settings.POLDER_STORAGE_S3_REGION,
    bucket: settings.POLDER_STORAGE_S3_BUCKET ?? '',
    accessKeyId: settings.POLDER_STORAGE_S3_ACCESS_KEY ?? '',
    secretAccessKey: settings.POLDER_STORAGE_S3_SECRET_KEY ?? '',
  }
  return { s3: settings.POLDER_STORAGE === 's3' ? s3 : undefined, quotaBytes: settings.POLDER_STORAGE_QUOTA_BYTES ?? null }
}

/** The networks as node's own matcher. */
export function toBlockList(list: readonly string[]): BlockList {
  const block = new BlockList()
  for (const network of list) {
    const [address = '', bits] = network.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (bits === undefined) block.addAddress(address, family)
    else block.addSubnet(address, Number(bits), family)
  }
  return block
}

function suggest(name: string): string {
  const squeeze = (text: string) => [...text.replaceAll('_', '')].sort().join('')
  const near = Object.keys(environmentSchema.shape).find(
    (known) => known.replaceAll('_', '') === name.replaceAll('_', '') || squeeze(known) === squeeze(name),
  )
  return near ? ` Did you mean ${near}?` : ''
}
