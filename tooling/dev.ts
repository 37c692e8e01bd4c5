// `npm run dev`: the server, restarted when its code changes, and beside it the dashboard from Vite, which hands /trpc on to
// the server. POLDER_DEV_PORT is the dashboard's port; the server takes the settings of docs/configuration.md.
import { spawn, type ChildProcess } from 'node:child_process'
import path from 'node:path'
import { ROOT } from './source-tree.ts'

const web = path.join(ROOT, 'apps/web')
const children: { name: string; child: ChildProcess }[] = []
let isStopping = false

// `--watch` watches what was imported, so the packages are watched too. Migrations are not: restart for a new one.
start('server', ROOT, ['--watch', '--watch-preserve-output', 'apps/server/src/main.ts'])
start('dashboard', web, [
  path.join(web, 'node_modules/vite/bin/vite.js'),
  '--port',
  process.env['POLDER_DEV_PORT'] ?? '5173',
  '--clearScreen',
  'false',
])

// A terminal's Ctrl-C reaches the children by itself, and a second signal would make the server hurry: SIGTERM is passed on only.
process.on('SIGINT', () => void (isStopping = true))
for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop())

function start(name: string, folder: string, args: string[]): void {
  const child = spawn(process.execPath, args, { cwd: folder, stdio: 'inherit' })
  children.push({ name, child })
  child.on('error', (error) => process.stderr.write(`${name}: ${error.message}\n`))
  child.on('exit', (code) => {
    if (isStopping) return
    process.stderr.write(`The ${name} has ended (${code ?? 'by a signal'}).\n`)
    process.exitCode = 1
    stop()
  })
}

/** Ends what still runs; this process ends when the last child has. */
function stop(): void {
  isStopping = true
  for (const { child } of children) if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
}
