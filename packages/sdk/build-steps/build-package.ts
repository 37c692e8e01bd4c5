import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { build } from 'tsdown'
import { expandTypes } from './expand-types.ts'

const home = path.resolve(import.meta.dirname, '..')

/** Builds the published package: the sources with the API's types written out, bundled, with one declaration file. */
export async function buildPackage(outDir: string): Promise<void> {
  // Beside the package's own files, where its dependencies are found.
  const work = path.join(home, `.build-${process.pid}`)
  const sources = path.join(work, 'src')
  try {
    mkdirSync(sources, { recursive: true })
    cpSync(path.join(home, 'src'), sources, { recursive: true, filter: (file) => !file.includes('testing') && !file.endsWith('.test.ts') })
    writeFileSync(path.join(sources, 'api.ts'), expandTypes(path.join(home, 'src/api.ts'), ['ErrorCode', 'Api']))
    const config = { extends: '../../../tsconfig.base.json', compilerOptions: { noEmit: false }, include: ['src'] }
    writeFileSync(path.join(work, 'tsconfig.json'), JSON.stringify(config))
    await build({
      cwd: home,
      config: false,
      entry: [path.join(sources, 'index.ts')],
      outDir,
      format: 'esm',
      platform: 'neutral',
      target: 'es2023',
      tsconfig: path.join(work, 'tsconfig.json'),
      dts: true,
      outExtensions: () => ({ js: '.js', dts: '.d.ts' }),
      clean: true,
      logLevel: 'warn',
    })
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}
