import { ServiceError } from '@polder/core'
import type { Batch } from './batch.ts'
import { ISOLATION, RESET, settingsText, toSettingsText, toSettingsValues } from './caller-settings.ts'
import { PreparedStatements, type PreparedStatement } from './prepared-statements.ts'
import type { CallerStatement } from './project-database.ts'
import { toSearchPath } from './search-path.ts'
import { WireWriter } from './wire-writer.ts'

const MAX_PREPARED = 250
const MAX_VALUES = 65_535

/** Throws `request.invalid` or `request.too_large` for what the protocol cannot carry. */
export function requireSendable({ text, before, after, values }: CallerStatement): void {
  if (text.includes('\0') || before?.includes('\0') === true || after?.includes('\0') === true) {
    throw new ServiceError('request.invalid', { message: 'The statement has a null character.' })
  }
  if (values.length > MAX_VALUES) throw new ServiceError('request.too_large', { message: 'The statement has too many values.' })
}

/** Puts batches into one connection's output, and knows what is prepared there. */
export class BatchWriter {
  readonly #wire = new WireWriter()
  readonly #prepared = new PreparedStatements(MAX_PREPARED)
  // Plans hand over the same array again and again.
  #path: { of: readonly string[]; text: string } = { of: [], text: toSearchPath([]) }

  /** The whole batch: as each of its callers, settings and statement. */
  put(batch: Batch, isBlock: boolean): void {
    const { text, before, after, values, searchPath, isolation, settings = [] } = batch.statement!
    this.#close(this.#prepared.evict())
    const path = this.#toSearchPath(searchPath)
    if (isBlock) this.#write(batch, undefined, 'begin', [])
    for (const identity of batch.identities) {
      this.#write(batch, '', RESET, [])
      // Has to come before anything that looks at data.
      if (isolation !== undefined) this.#write(batch, '', ISOLATION[isolation], [])
      if (settings.length > 0) this.#write(batch, '', settingsText(settings.length), settings.flat())
      this.#write(batch, '', toSettingsText(batch.statement!), toSettingsValues(batch.statement!, identity, path))
      const planSpace = `${identity.role} ${path}`
      if (before !== undefined) this.#write(batch, planSpace, before, [])
      batch.answering = batch.written
      this.#write(batch, planSpace, text, values)
      if (after !== undefined) this.#write(batch, undefined, after, [])
    }
    // Those of the first are as many as those of each other.
    batch.stride = (batch.written - (isBlock ? 1 : 0)) / batch.identities.length
    batch.answering -= batch.stride * (batch.identities.length - 1)
    this.#wire.sync()
  }

  putCommand(batch: Batch, command: 'commit' | 'rollback'): void {
    this.#write(batch, undefined, command, [])
    this.#wire.sync()
  }

  /** What was put in since the last time, valid until the next batch is. */
  take(): Buffer {
    return this.#wire.take()
  }

  /** Leaves the bytes taken to whoever is still reading them. */
  giveUpBuffer(): void {
    this.#wire.giveUpBuffer()
  }

  /** What was sent to be parsed and was not. */
  forgetUnparsed(batch: Batch): void {
    for (const statement of batch.parsing) if (statement !== undefined) this.#prepared.forget(statement)
  }

  forgetAll(): void {
    this.#close(this.#prepared.clear())
  }

  /** One statement of a batch; without a plan space it is not kept on the server. */
  #write(batch: Batch, planSpace: string | undefined, text: string, values: readonly (string | null)[]): void {
    batch.written += 1
    if (planSpace === undefined) {
      this.#wire.parse('', text)
      batch.parsing.push(undefined)
      this.#wire.bindAndExecute('', values)
      return
    }
    const prepared = this.#prepared.get(planSpace, text)
    if (!prepared.isSent) {
      this.#wire.parse(prepared.name, text)
      prepared.isSent = true
      batch.parsing.push(prepared)
    }
    this.#wire.bindAndExecute(prepared.name, values)
  }

  #close(statements: PreparedStatement[]): void {
    for (const statement of statements) if (statement.isSent) this.#wire.close(statement.name)
  }

  #toSearchPath(schemas: readonly string[]): string {
    if (schemas !== this.#path.of) this.#path = { of: schemas, text: toSearchPath(schemas) }
    return this.#path.text
  }
}
