import { createHash } from 'node:crypto'
import { ServiceError, type FunctionSource } from '@polder/core'
import { build, type BuildFailure, type Message } from 'esbuild'
import { parseImportMap } from './import-map.ts'
import type { NpmPackages } from './npm-packages.ts'
import type { RemoteModules } from './remote-modules.ts'
import { resolvePlugin } from './resolve-plugin.ts'
import { findImportMapPath, openSourceFiles } from './source-files.ts'

/** Where and why bundling failed, for an editor. */
export interface BundleProblem {
  text: string
  file: string | null
  line: number | null
  column: number | null
}

export interface FunctionBundle {
  code: Buffer
  /** sha256 of the code, hex. */
  digest: string
  sourceBytes: number
  importMap: string | null
  warnings: string[]
}

/** What packages read to know whether they are being developed. */
const NODE_MODE = ['process', 'env', 'NODE_ENV'].join('.')
const MAX_BUNDLE_BYTES = 20 * 1024 * 1024

/** Turns a function's files into one module. Throws `functions.source_…`, or `functions.bundle_failed` with problems as its details. */
export async function bundleFunction(
  source: FunctionSource,
  parts: { packages: NpmPackages; remote: RemoteModules },
): Promise<FunctionBundle> {
  const files = openSourceFiles(source)
  const importMapPath = findImportMapPath(source, files)
  const importMap = parseImportMap(importMapPath === undefined ? undefined : files.readText(importMapPath), importMapPath ?? '')
  const { jsx, jsxFactory, jsxFragmentFactory, jsxImportSource } = importMap.jsx
  try {
    const { outputFiles, warnings } = await build({
      entryPoints: [source.entrypoint],
      bundle: true,
      write: false,
      format: 'esm',
      platform: 'neutral',
      target: 'es2024',
      mainFields: ['module', 'main'],
      // Not `node`: what packages have for it speaks over sockets, of which functions have none.
      conditions: ['deno', 'worker', 'module'],
      // The heading of its own modules would show where packages lie on this machine.
      absWorkingDir: '/',
      // A cold call waits until all of it is parsed. Names stay, for stacks in the log.
      minifyWhitespace: true,
      minifySyntax: true,
      legalComments: 'none',
      charset: 'utf8',
      sourcemap: false,
      logLevel: 'silent',
      tsconfigRaw: '{}',
      define: { [NODE_MODE]: '"production"', global: 'globalThis' },
      jsx: jsx === 'react' || jsxFactory !== undefined ? 'transform' : 'automatic',
      ...(jsxFactory !== undefined && { jsxFactory }),
      ...(jsxFragmentFactory !== undefined && { jsxFragment: jsxFragmentFactory }),
      ...(jsxImportSource !== undefined && { jsxImportSource }),
      plugins: [resolvePlugin({ files, importMap, packages: parts.packages, remote: parts.remote })],
    })
    const code = Buffer.from(outputFiles[0]?.contents ?? [])
    if (code.length > MAX_BUNDLE_BYTES)
      throw new ServiceError('functions.source_too_large', { message: 'The bundle is larger than 20 MB.' })
    return {
      code,
      digest: createHash('sha256').update(code).digest('hex'),
      sourceBytes: files.bytes,
      importMap: importMapPath ?? null,
      warnings: warnings.map(({ text }) => text).slice(0, 50),
    }
  } catch (error) {
    const { errors } = error as Partial<BuildFailure>
    if (!Array.isArray(errors)) throw error
    const problems = errors.slice(0, 50).map(toProblem)
    throw new ServiceError('functions.bundle_failed', { message: toSentence(problems), details: { problems } })
  }
}

function toProblem({ text, location }: Message): BundleProblem {
  const file = location?.file.replace(/^(?:source|remote):/, '') ?? null
  return {
    text,
    file: location?.namespace === 'file' ? null : file,
    line: location?.line ?? null,
    column: location?.column ?? null,
  }
}

function toSentence(problems: readonly BundleProblem[]): string {
  const [first] = problems
  if (first === undefined) return 'The function cannot be bundled.'
  return `${first.file === null ? '' : `${first.file}:${first.line}: `}${first.text}${problems.length > 1 ? ` (and ${problems.length - 1} more)` : ''}`
}
