import { ScriptResults, type ScriptLimits, type WireColumn } from './script-results.ts'

/** The part of pg's connection that a script needs. */
interface WireConnection {
  query(text: string): void
  sendCopyFail(message: string): void
  on(event: 'copyOutResponse', listener: (message: { binary: boolean }) => void): void
  stream: { on(event: 'data', listener: (chunk: Buffer) => void): void }
}

/** An error as it came from the wire, from the socket, or from us. */
export interface ScriptError {
  message: string
  code?: string
  detail?: string
  hint?: string
  position?: string
  where?: string
}

export interface ScriptCallbacks {
  /** The script is over: all of it ran, or the error stopped it. Called once. */
  onEnd: (error: ScriptError | undefined) => void
  /** One message grows past what this process may hold. The connection must be destroyed now. */
  onOversized: () => void
}

/** A value of a gigabyte would have to be held whole before it could be dropped, so it is not waited for. */
export const MAX_MESSAGE_BYTES = 32 * 1024 * 1024

/**
 * A text of any number of statements, sent as it is by the simple protocol: pg calls the handlers as the answers come
 * (its Submittable). Unlike pg's own Query it keeps every statement's result apart, and only as much as the limits say.
 */
export class SqlScript {
  readonly results: ScriptResults
  readonly #text: string
  readonly #callbacks: ScriptCallbacks
  #hasEnded = false
  #pendingBytes = 0

  constructor(text: string, limits: ScriptLimits, callbacks: ScriptCallbacks) {
    this.#text = text
    this.results = new ScriptResults(limits)
    this.#callbacks = callbacks
  }

  submit(connection: WireConnection): null {
    connection.stream.on('data', (chunk) => this.#countBytes(chunk.length))
    connection.on('copyOutResponse', ({ binary }) => {
      this.results.addColumns([{ name: binary ? 'COPY (binary)' : 'COPY', typeId: TEXT_TYPE, typeModifier: -1 }])
    })
    connection.query(this.#text)
    return null
  }

  handleRowDescription(message: { fields: { name: string; dataTypeID: number; dataTypeModifier: number }[] }): void {
    this.#pendingBytes = 0
    const columns = message.fields.map<WireColumn>((field) => ({
      name: field.name,
      typeId: field.dataTypeID,
      typeModifier: field.dataTypeModifier,
    }))
    this.results.addColumns(columns)
  }

  handleDataRow(message: { fields: (string | null)[] }): void {
    this.#pendingBytes = 0
    this.results.addRow(message.fields)
  }

  handleCommandComplete(message: { text: string }): void {
    this.#pendingBytes = 0
    this.results.endStatement(message.text)
  }

  handleEmptyQuery(): void {}

  handlePortalSuspended(): void {}

  /** There is no file that could follow. Left unanswered the server would wait for one for ever. */
  handleCopyInResponse(connection: WireConnection): void {
    this.#pendingBytes = 0
    connection.sendCopyFail('COPY … FROM STDIN needs a client that sends a file, such as psql; use INSERT here')
  }

  /** COPY … TO STDOUT: its lines are shown as rows of one column. */
  handleCopyData(message: { chunk: Buffer }): void {
    this.#pendingBytes = 0
    this.results.addRow([message.chunk.toString('utf8').replace(/\n$/, '')])
  }

  handleNotice(notice: { severity?: string; message?: string }): void {
    this.#pendingBytes = 0
    this.results.addNotice(notice.severity ?? 'NOTICE', notice.message ?? '')
  }

  handleError(error: ScriptError): void {
    this.#end(error)
  }

  handleReadyForQuery(): void {
    this.#end(undefined)
  }

  /** Bytes since the last message that was complete. */
  #countBytes(bytes: number): void {
    this.#pendingBytes += bytes
    if (this.#pendingBytes <= MAX_MESSAGE_BYTES || this.#hasEnded) return
    this.#callbacks.onOversized()
  }

  #end(error: ScriptError | undefined): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.results.end()
    this.#callbacks.onEnd(error)
  }
}

const TEXT_TYPE = 25
