import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  bootstrapCluster,
  createProvisioner,
  dumpSchema,
  makeClient,
  makePool,
  makeSecretText,
  migrate,
  openEmbeddedPostgres,
  openLogDatabase,
  toClientConfig,
  toDatabaseName,
  toLoginName,
  toMigrationPath,
  type Ledger,
  type ServerAddress,
} from '@polder/db'

/** Each database as the migrations make it, on a server that exists for this only. */
async function dumpAll(): Promise<Record<Ledger, string>> {
  const folder = await mkdtemp(join(tmpdir(), 'polder-dump-'))
  const [superuserPassword, controlPassword] = [makeSecretText(), makeSecretText()]
  const server = await openEmbeddedPostgres({ folder, port: 45_000, superuserPassword, settings: { fsync: false }, observe: () => {} })
  try {
    const superuser = { ...toClientConfig(server.address), user: 'postgres', password: superuserPassword, database: 'postgres' }
    await bootstrapCluster(superuser, { controlPassword, writesHba: true })
    const control = { ...toClientConfig(server.address), user: 'platform_ctl', password: controlPassword, database: 'platform' }
    const platform = await dumpPlatform(server.address, controlPassword)
    return { platform, logs: await dumpLogs(control), project: await dumpProject(server.address, controlPassword) }
  } finally {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

async function dumpPlatform(address: ServerAddress, password: string): Promise<string> {
  const client = makeClient({ ...toClientConfig(address), user: 'platform_ctl', password, database: 'platform' })
  await client.connect()
  try {
    await migrate(client, { ledger: 'platform' })
    // those functions are of migrations/cluster, and stand there whole
    return await dumpSchema(client, { without: ['provisioning'] })
  } finally {
    await client.end()
  }
}

async function dumpLogs(control: { host?: string; port?: number; user: string; password: string; database: string }): Promise<string> {
  const logs = await openLogDatabase(control)
  const client = makeClient(logs.connection)
  await client.connect()
  try {
    return await dumpSchema(client)
  } finally {
    await client.end()
    await logs.close()
  }
}

async function dumpProject(address: ServerAddress, password: string): Promise<string> {
  const ref = 'dump'
  const passwords = { owner: makeSecretText(), authenticator: makeSecretText(), platform: makeSecretText(), backup: makeSecretText() }
  const control = makePool({ ...toClientConfig(address), user: 'platform_ctl', password, database: 'platform', max: 1 })
  const provisioner = await createProvisioner({ control, address, warmDatabases: 0, observe: () => {} })
  await provisioner.createRoles(ref, passwords)
  await provisioner.createDatabase(ref)
  await provisioner.openDatabase(ref, passwords)
  await control.end()
  const login = { user: toLoginName(ref, 'platform'), password: passwords.platform, database: toDatabaseName(ref) }
  const client = makeClient({ ...toClientConfig(address), ...login })
  await client.connect()
  try {
    return await dumpSchema(client)
  } finally {
    await client.end()
  }
}

const isCheck = process.argv.includes('--check')
const stale: string[] = []
for (const [name, text] of Object.entries(await dumpAll())) {
  const file = toMigrationPath('schema', `${name}.sql`)
  if ((await readFile(file, 'utf8').catch(() => '')) === text) continue
  stale.push(name)
  if (!isCheck) await writeFile(file, text)
}
if (stale.length > 0) process.stdout.write(`${isCheck ? 'Stale' : 'Written'}: packages/db/migrations/schema/{${stale.join(',')}}.sql\n`)
if (isCheck && stale.length > 0) {
  process.stdout.write('`npm run db:dump` writes them.\n')
  process.exitCode = 1
}
