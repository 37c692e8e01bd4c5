// Writes docs/errors.md and docs/configuration.md from the code; `--check` only compares. A test holds them to it.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { ERROR_CATALOG, ERROR_KINDS } from '@polder/core'
import { toConfigurationPage, toErrorsPage } from './reference-docs.ts'
import { ROOT } from './source-tree.ts'

// The server has no door for its configuration: nothing but this page needs one.
const { environmentSchema } = await import(path.join(ROOT, 'apps/server/src/config.ts'))
const pages = [
  { file: 'docs/errors.md', text: toErrorsPage(ERROR_CATALOG, ERROR_KINDS) },
  { file: 'docs/configuration.md', text: toConfigurationPage(environmentSchema.shape) },
]

for (const { file, text } of pages) {
  if (process.argv.includes('--check')) {
    if (read(file) === text) continue
    process.stderr.write(`${file} is not what the code says; run node tooling/write-docs.ts\n`)
    process.exitCode = 1
  } else {
    mkdirSync(path.join(ROOT, 'docs'), { recursive: true })
    writeFileSync(path.join(ROOT, file), text)
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(path.join(ROOT, file), 'utf8')
  } catch {
    return undefined
  }
}
