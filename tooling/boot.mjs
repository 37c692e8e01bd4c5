// The one entry for `npm start`, `npm test` and the rest. Runs on whatever Node the machine has (18 or newer) and uses
// only `node:` modules, because nothing is installed yet:
//   1. our pinned Node and pnpm, from the npm registry, into .toolchain/ (neither needs an install script)
//   2. `pnpm install --frozen-lockfile`, only when the lockfile or a manifest changed
//   3. the task itself, with both first on PATH
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')
const pins = JSON.parse(fs.readFileSync(path.join(root, 'tooling/toolchain.json'), 'utf8'))
const toolchain = path.join(root, '.toolchain')
const say = (message) => process.stderr.write(`[polder] ${message}\n`)

const numbers = (version) => version.replace(/^v/, '').split('.').map(Number)
const isAtLeast = (version, minimum) => {
  const [a, b] = [numbers(version), numbers(minimum)]
  for (let i = 0; i < 3; i++) if (a[i] !== b[i]) return a[i] > b[i]
  return true
}
// A Node of our own (`npm start` called from inside one of our scripts) says nothing about the machine's.
const isOwnNode = process.execPath.startsWith(toolchain + path.sep)
const machineNodeFits = !isOwnNode && isAtLeast(process.version, pins.nodeMin) && numbers(process.version)[0] === numbers(pins.node)[0]

function nodePackage() {
  // The registry carries macOS on ARM under another name.
  const prefix = process.platform === 'darwin' && process.arch === 'arm64' ? 'node-bin' : 'node'
  return `${prefix}-${process.platform}-${process.arch}@${pins.node}`
}

function cleanEnvironment(extraPath) {
  const env = { ...process.env }
  // What `npm run` leaks would be read by pnpm as its own settings.
  for (const key of Object.keys(env))
    if (/^npm_(?!config_(registry|cafile|proxy|https_proxy|noproxy|_auth|cache)$)/i.test(key)) delete env[key]
  env.PATH = [...extraPath, env.PATH].join(path.delimiter)
  env.TURBO_TELEMETRY_DISABLED = '1'
  env.DO_NOT_TRACK = '1'
  // jose announces ML-DSA support of Node 24 with a warning on every start.
  env.NODE_OPTIONS = [env.NODE_OPTIONS, '--disable-warning=ExperimentalWarning'].filter(Boolean).join(' ')
  return env
}

function installToolchain() {
  const packages = [`pnpm@${pins.pnpm}`, ...(machineNodeFits ? [] : [nodePackage()])]
  const stamp = path.join(toolchain, '.stamp')
  const wanted = packages.join(' ')
  if (!fs.existsSync(stamp) || fs.readFileSync(stamp, 'utf8') !== wanted) {
    say(`installing ${packages.join(' and ')} into .toolchain/`)
    fs.rmSync(toolchain, { recursive: true, force: true })
    fs.mkdirSync(toolchain, { recursive: true })
    fs.writeFileSync(path.join(toolchain, 'package.json'), '{"private":true}\n')
    const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error', '--prefix', toolchain]
    const done = spawnSync('npm', ['install', ...flags, ...packages], { stdio: ['ignore', 2, 2], cwd: toolchain })
    if (done.status !== 0) fail('could not install the toolchain from the npm registry (see above); is the network reachable?', done.status)
    fs.writeFileSync(stamp, wanted)
  }
  // The native binary's own folder comes first: with scripts off, .bin/pnpm is a placeholder without a shebang,
  // which a shell runs but execve (turbo) refuses.
  const scope = path.join(toolchain, 'node_modules/@pnpm')
  const natives = fs
    .readdirSync(scope)
    .filter((name) => name.startsWith('exe.'))
    .map((name) => path.join(scope, name))
  return [...natives, path.join(toolchain, 'node_modules/.bin')]
}

function manifestsHash() {
  const files = ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json', 'e2e/package.json', 'tooling/package.json']
  for (const folder of ['apps', 'packages', 'examples'])
    for (const name of fs.existsSync(path.join(root, folder)) ? fs.readdirSync(path.join(root, folder)).sort() : [])
      files.push(`${folder}/${name}/package.json`)
  const hash = createHash('sha256')
  for (const file of files) if (fs.existsSync(path.join(root, file))) hash.update(file).update(fs.readFileSync(path.join(root, file)))
  return hash.digest('hex')
}

function fail(message, status) {
  say(message)
  process.exit(status || 1)
}

const env = cleanEnvironment(installToolchain())
const run = (command, args) => {
  const done = spawnSync(command, args, { stdio: 'inherit', cwd: root, env })
  if (done.status !== 0) process.exit(done.status ?? 1)
}

const modules = path.join(root, 'node_modules')
// A node_modules that npm laid is of no use to pnpm.
if (fs.existsSync(modules) && !fs.existsSync(path.join(modules, '.modules.yaml'))) fs.rmSync(modules, { recursive: true, force: true })
const stamp = path.join(modules, '.boot-stamp')
if (!fs.existsSync(stamp) || fs.readFileSync(stamp, 'utf8') !== manifestsHash()) {
  run('pnpm', [
    'install',
    process.env.BOOT_UNFROZEN ? '--no-frozen-lockfile' : '--frozen-lockfile',
    '--reporter=append-only',
    '--loglevel=warn',
  ])
  fs.writeFileSync(stamp, manifestsHash())
}

const bin = (name) => path.join(modules, '.bin', name)
const ownNode = path.join(toolchain, 'node_modules/.bin/node')
const node = fs.existsSync(ownNode) ? ownNode : process.execPath
const build = () => run(bin('turbo'), ['run', 'build', '--filter=@polder/web', '--output-logs=errors-only'])
const [task, ...rest] = process.argv.slice(2)

const tasks = {
  start: () => (build('--filter=@polder/web'), [node, ['apps/server/src/main.ts', ...rest]]),
  dev: () => [node, ['tooling/dev.ts', ...rest]],
  test: () => (build(), [node, ['tooling/run-tests.ts', ...rest]]),
  check: () => [node, ['tooling/run-checks.ts', ...rest]],
  bench: () => (build('--filter=@polder/web'), [node, ['tooling/bench/main.ts', ...rest]]),
  build: () => [bin('turbo'), ['run', 'build', ...rest]],
  exec: () => [rest[0], rest.slice(1)],
}
if (!tasks[task]) fail(`unknown task ${task ?? '(none)'}; there are ${Object.keys(tasks).join(', ')}`)
const [command, args] = tasks[task]()

// The child is ours directly (no pnpm or shell between), so that a signal reaches it.
const child = spawn(command, args, { stdio: 'inherit', cwd: root, env })
const pass = (signal) => child.exitCode === null && child.kill(signal)
process.on('SIGINT', () => {}) // a terminal's Ctrl-C reaches the whole group by itself
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => pass(signal))
// `npm start` killed by a supervisor dies without passing the signal on: notice that we are orphaned.
const parent = process.ppid
const watch = setInterval(() => {
  if (process.ppid === parent) return
  clearInterval(watch)
  pass('SIGTERM')
}, 500)
child.on('error', (error) => fail(error.message))
child.on('exit', (code, signal) => process.exit(signal ? 128 + (signal === 'SIGINT' ? 2 : 15) : (code ?? 1)))
