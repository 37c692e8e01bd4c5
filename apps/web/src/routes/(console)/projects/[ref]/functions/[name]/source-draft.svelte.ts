import type { FunctionSource } from '../functions-data.ts'

export interface DraftFile {
  path: string
  /** Null for a file that is no text. */
  text: string | null
}

/** The files of a function while they are being changed. */
export class SourceDraft {
  files = $state.raw<DraftFile[]>([])
  active = $state('')
  isChanged = $state(false)
  #source: FunctionSource

  constructor(source: FunctionSource) {
    this.#source = source
    this.files = source.files.map((file) => ({ path: file.path, text: toText(file) }))
    this.active = source.entrypoint
  }

  get activeText(): string | null {
    return this.files.find(({ path }) => path === this.active)?.text ?? null
  }

  write(text: string): void {
    this.files = this.files.map((file) => (file.path === this.active ? { ...file, text } : file))
    this.isChanged = true
  }

  add(path: string): void {
    if (!this.files.some((file) => file.path === path)) this.files = [...this.files, { path, text: '' }]
    this.active = path
    this.isChanged = true
  }

  remove(path: string): void {
    if (path === this.#source.entrypoint) return
    this.files = this.files.filter((file) => file.path !== path)
    if (this.active === path) this.active = this.#source.entrypoint
    this.isChanged = true
  }

  isEntry(path: string): boolean {
    return path === this.#source.entrypoint
  }

  /** As it is to be deployed; files that are no text stay as they were. */
  toSource(): FunctionSource {
    const { entrypoint, importMap, files } = this.#source
    const kept = (path: string) => files.find((file) => file.path === path)
    return {
      entrypoint,
      ...(importMap != null && this.files.some(({ path }) => path === importMap) && { importMap }),
      files: this.files.map(({ path, text }) => (text === null ? kept(path)! : { path, content: text })),
    }
  }
}

function toText({ content, encoding }: FunctionSource['files'][number]): string | null {
  if (encoding !== 'base64') return content
  try {
    const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0))
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return null
  }
}
