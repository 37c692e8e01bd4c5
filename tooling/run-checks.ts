// `npm run check`: types, lint, format, boundaries and generated files, two at a time.
//   npm run check                 everything
//   npm run check -- lint types   those whose name contains one of the words
import { spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { ROOT } from './source-tree.ts'

interface Check {
  name: string
  /** Run one after the other; the first that fails ends the check. */
  commands: { command: string; args: string[]; folder?: string }[]
}

const bin = (name: string) => path.join(ROOT, 'node_modules/.bin', name)
const node = (...args: string[]) => ({ command: process.execPath, args })

function listChecks(): Check[] {
  const packages = ['packages', 'apps', 'examples'].flatMap((folder) =>
    readdirSync(path.join(ROOT, folder)).map((name) => `${folder}/${name}`),
  )
  const typed = [...packages, 'e2e', 'tooling'].filter(
    (folder) => folder !== 'apps/web' && existsSync(path.join(ROOT, folder, 'tsconfig.json')),
  )
  const web = path.join(ROOT, 'apps/web')
  const inWeb = (name: string, ...args: string[]) => ({ command: path.join(web, 'node_modules/.bin', name), args, folder: web })
  const all: (Check & { isThere?: boolean })[] = [
    // The slowest first, so that the short ones fill the time beside it.
    {
      name: 'types apps/web',
      commands: [inWeb('svelte-kit', 'sync'), inWeb('svelte-check', '--output', 'human')],
      isThere: existsSync(path.join(web, 'src/app.html')),
    },
    ...typed.map((folder) => ({ name: `types ${folder}`, commands: [{ command: bin('tsc'), args: ['-p', folder] }] })),
    { name: 'lint', commands: [{ command: bin('oxlint'), args: ['--type-aware', '--deny-warnings'] }] },
    { name: 'format', commands: [{ command: bin('prettier'), args: ['--check', '--log-level', 'warn', '.'] }] },
    { name: 'boundaries', commands: [{ command: bin('turbo'), args: ['boundaries', '--no-color'] }] },
    { name: 'docs', commands: [node('tooling/write-docs.ts', '--check')] },
    {
      name: 'schema',
      commands: [node('tooling/dump-schema.ts', '--check')],
      isThere: existsSync(path.join(ROOT, 'tooling/dump-schema.ts')),
    },
  ]
  return all.filter(({ isThere = true }) => isThere)
}

/** Runs a check and says how it went; its output only if it failed. */
async function run({ name, commands }: Check): Promise<boolean> {
  const startedAt = performance.now()
  let output = ''
  let isGood = true
  for (const { command, args, folder = ROOT } of commands) {
    const { code, text } = await runCommand(command, args, folder)
    output += text
    isGood = code === 0
    if (!isGood) break
  }
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  process.stdout.write(`${isGood ? 'ok    ' : 'FAILED'} ${name.padEnd(32)} ${seconds} s\n`)
  if (!isGood) process.stdout.write(`${output.trimEnd().replace(/^/gm, '       ')}\n`)
  return isGood
}

function runCommand(command: string, args: string[], folder: string): Promise<{ code: number; text: string }> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
    let text = ''
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()))
    child.on('error', (error) => resolve({ code: 1, text: error.message }))
    child.on('close', (code) => resolve({ code: code ?? 1, text }))
  })
}

const words = process.argv.slice(2)
const checks = listChecks().filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)))
const waiting = [...checks]
const failed: string[] = []

/** Takes checks from the list until it is empty. */
async function work(): Promise<void> {
  for (let check = waiting.shift(); check; check = waiting.shift()) if (!(await run(check))) failed.push(check.name)
}

await Promise.all([work(), work()])
process.stdout.write(
  `\n${checks.length - failed.length} checks passed, ${failed.length} failed${failed.length > 0 ? `: ${failed.join(', ')}` : ''}\n`,
)
process.exitCode = failed.length > 0 || checks.length === 0 ? 1 : 0
