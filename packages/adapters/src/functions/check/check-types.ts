import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import type { FunctionSource } from '@polder/core'
import ts from 'typescript'
import type { BundleProblem } from '../bundle/bundle-function.ts'

const require = createRequire(import.meta.url)
const LIBRARIES = path.join(path.dirname(require.resolve('typescript/package.json')), 'lib')
/** Where the checker believes that everything lies; nothing is read from there. */
const ROOT = '/source'
const DENO_TYPES = '/deno.d.ts'
const GLOBALS = '/globals.d.ts'
const GLOBAL_TYPES = `declare const EdgeRuntime: { waitUntil<T>(promise: Promise<T>): Promise<T> }
declare namespace NodeJS { type Timeout = number }
declare const process: { env: Record<string, string | undefined> }`
/** What comes of modules that are known only when the function is bundled: packages, and files that are no code. */
const ABOUT_MODULES = new Set([2306, 2307, 2691, 2792, 2834, 2835, 5097, 7016, 1323, 1378, 2821, 2823])
const MAX_PROBLEMS = 50

const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ESNext,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  lib: ['lib.esnext.d.ts'],
  types: [],
  strict: true,
  noImplicitAny: false,
  noEmit: true,
  skipLibCheck: true,
  allowImportingTsExtensions: true,
  resolveJsonModule: true,
  allowJs: true,
  checkJs: false,
  jsx: ts.JsxEmit.ReactJSX,
}

const libraries = new Map<string, ts.SourceFile>()

/** Checks the types of a function's files against Deno's own. Packages count as anything. */
export function checkTypes(source: FunctionSource, denoTypes: string): BundleProblem[] {
  const files = new Map(source.files.map(({ path: file, content, encoding }) => [`${ROOT}/${file}`, encoding === 'base64' ? Buffer.from(content, 'base64').toString('utf8') : content])) // prettier-ignore
  const roots = [...files.keys()].filter((file) => /\.[mc]?tsx?$/.test(file))
  const program = ts.createProgram([DENO_TYPES, GLOBALS, ...roots], OPTIONS, createHost(files, denoTypes))
  return roots
    .flatMap((file) => {
      const parsed = program.getSourceFile(file)
      return parsed === undefined ? [] : [...program.getSyntacticDiagnostics(parsed), ...program.getSemanticDiagnostics(parsed)]
    })
    .filter(({ code }) => !ABOUT_MODULES.has(code))
    .slice(0, MAX_PROBLEMS)
    .map(toProblem)
}

function createHost(files: ReadonlyMap<string, string>, denoTypes: string): ts.CompilerHost {
  const read = (file: string): string | undefined => (file === GLOBALS ? GLOBAL_TYPES : file === DENO_TYPES ? denoTypes : files.get(file))
  return {
    getSourceFile(file, version) {
      const known = libraries.get(file)
      if (known !== undefined) return known
      const isShared = path.dirname(file) === LIBRARIES || file === DENO_TYPES || file === GLOBALS
      const text = path.dirname(file) === LIBRARIES ? readFileSync(file, 'utf8') : read(file)
      if (text === undefined) return undefined
      const parsed = ts.createSourceFile(file, text, version)
      if (isShared) libraries.set(file, parsed)
      return parsed
    },
    getDefaultLibFileName: () => path.join(LIBRARIES, 'lib.esnext.d.ts'),
    getDefaultLibLocation: () => LIBRARIES,
    writeFile: () => {},
    getCurrentDirectory: () => ROOT,
    getCanonicalFileName: (file) => file,
    useCaseSensitiveFileNames: () => true,
    getNewLine: () => '\n',
    fileExists: (file) => read(file) !== undefined,
    readFile: read,
    directoryExists: (folder) => [...files.keys()].some((file) => file.startsWith(`${folder}/`)),
    getDirectories: () => [],
  }
}

function toProblem({ file, start, messageText, code }: ts.Diagnostic): BundleProblem {
  const at = file === undefined ? undefined : file.getLineAndCharacterOfPosition(start ?? 0)
  return {
    text: `${ts.flattenDiagnosticMessageText(messageText, '\n')} (TS${code})`,
    file: file?.fileName.slice(ROOT.length + 1) ?? null,
    line: at === undefined ? null : at.line + 1,
    column: at?.character ?? null,
  }
}
