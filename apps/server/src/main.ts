import path from 'node:path'
import { ConfigError, loadConfig, toBlockList } from './config.ts'
import { openDashboard } from './dashboard.ts'
import { openDataFolder, requireFreePort } from './data-folder.ts'
import { startServer } from './start-server.ts'
import { createReport } from './report.ts'

const GRACE_MS = 10_000

async function main(): Promise<void> {
  const config = loadConfig(process.env)
  const report = createReport({ level: config.log.level })
  const warn = (message: string) => report.observe({ kind: 'server', event: 'warning', message })
  process.on('unhandledRejection', (cause) => report.observe({ kind: 'error', code: 'system.unexpected', cause }))
  const defaultFolder = path.resolve(import.meta.dirname, '../../../data')
  await requireFreePort(config.http.host, config.http.port)
  const folder = await openDataFolder({ ...config.data, defaultFolder, warn })
  const server = await startServer({
    config,
    folder,
    observe: report.observe,
    openDashboard,
    trustedProxies: toBlockList(config.http.trustedProxies),
  })
  for (const warning of server.warnings) report.say(`Warning: ${warning}`)
  report.say(`Polder is ready: open ${config.http.publicUrl}`)

  let isStopping = false
  const stop = (): void => {
    // Pressed twice, it is meant: what runs is left to the next start.
    if (isStopping) process.exit(1)
    isStopping = true
    setTimeout(() => process.exit(1), GRACE_MS * 2).unref()
    server.stop(GRACE_MS).then(
      () => process.exit(0),
      (cause: unknown) => {
        report.observe({ kind: 'error', code: 'system.unexpected', cause })
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
}

main().catch((error: unknown) => {
  for (const line of toLines(error)) process.stderr.write(`${line}\n`)
  process.exit(1)
})

/** What went wrong in words for the person who started it; where it went wrong only if the mistake is ours. */
function toLines(error: unknown): readonly string[] {
  if (error instanceof ConfigError) return error.lines
  if (error instanceof TypeError || error instanceof ReferenceError) return [error.stack ?? error.message]
  return [error instanceof Error ? error.message : String(error)]
}
