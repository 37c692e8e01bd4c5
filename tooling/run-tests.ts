// `npm test`: runs vitest with the arguments given and ends with one line `N passed, N failed`.
//   npm test                          everything
//   npm test -- --project unit        one kind of tests
//   npm test -- packages/core         one folder
//   npm test -- --json results.json   also writes what ran as JSON
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { countTests, toSummaryLine, type VitestReport } from './test-report.ts'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')
const { jsonFile, args } = takeOption(process.argv.slice(2))
const folder = mkdtempSync(path.join(tmpdir(), 'polder-tests-'))
const reportFile = path.join(folder, 'report.json')

const child = spawn(
  process.execPath,
  [
    path.join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    ...(args.some((argument) => argument.startsWith('--reporter')) ? [] : ['--reporter=default']),
    '--reporter=json',
    `--outputFile.json=${reportFile}`,
    ...args,
  ],
  { cwd: root, stdio: 'inherit' },
)
// The terminal's Ctrl-C reaches vitest by itself; it ends cleanly, and then so do we.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => child.kill('SIGTERM'))

child.on('error', (error) => {
  process.stderr.write(`${error.message}\n`)
  finish(1)
})
child.on('exit', (code, signal) => finish(signal ? 1 : (code ?? 1)))

function finish(exitCode: number): void {
  const report = readReport()
  rmSync(folder, { recursive: true, force: true })
  const counts = countTests(report, exitCode)
  if (jsonFile) writeFileSync(path.resolve(jsonFile), `${JSON.stringify({ ...counts, files: report?.testResults ?? [] }, null, 2)}\n`)
  process.stdout.write(`\n${toSummaryLine(counts)}\n`)
  process.exitCode = counts.failed > 0 ? exitCode || 1 : exitCode
}

function readReport(): VitestReport | undefined {
  try {
    return JSON.parse(readFileSync(reportFile, 'utf8')) as VitestReport
  } catch {
    // Vitest died before it could write one: counted as one failure.
    return undefined
  }
}

/** Takes `--json <file>`, which is ours, out of vitest's arguments. */
function takeOption(all: string[]): { jsonFile: string | undefined; args: string[] } {
  const at = all.indexOf('--json')
  if (at < 0) return { jsonFile: undefined, args: all }
  return { jsonFile: all[at + 1] ?? 'test-results.json', args: all.toSpliced(at, 2) }
}
