import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder that holds everything. */
export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')

const IGNORED = new Set(['node_modules', 'dist', 'build', '.svelte-kit', '.turbo'])

/** Files under a folder of the tree, as paths from the root with forward slashes, sorted. */
export function listFiles(folder: string): string[] {
  const files: string[] = []
  const walk = (current: string) => {
    for (const entry of readdirSync(path.join(ROOT, current), { withFileTypes: true })) {
      if (IGNORED.has(entry.name)) continue
      const inner = `${current}/${entry.name}`
      if (entry.isDirectory()) walk(inner)
      else files.push(inner)
    }
  }
  walk(folder)
  return files.toSorted()
}

/** The text of a file, by its path from the root. */
export function readText(file: string): string {
  return readFileSync(path.join(ROOT, file), 'utf8')
}

/** Module names that a file imports or re-exports, with whether only types are taken. */
export function findImports(text: string): { name: string; isTypeOnly: boolean }[] {
  const found: { name: string; isTypeOnly: boolean }[] = []
  const statement = /^(?:import|export)\s+(type\s+)?(?:([^'"]*?)\s+from\s+)?['"]([^'"]+)['"]/gm
  for (const [, typeWord, names = '', name = ''] of text.matchAll(statement)) {
    const listed = /^\{([^}]*)\}$/
      .exec(names.trim())?.[1]
      ?.split(',')
      .map((one) => one.trim())
    const isTypeOnly = Boolean(typeWord) || (listed?.filter(Boolean).every((one) => one.startsWith('type ')) ?? false)
    found.push({ name, isTypeOnly })
  }
  for (const [, name = ''] of text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g)) found.push({ name, isTypeOnly: false })
  return found
}
