import { tick } from 'svelte'
import { isUnexpected, toSdkError } from '../data/sdk-errors.ts'
import { toFieldErrors, toIssues, type Issue } from './issues.ts'

type SchemaName = keyof typeof import('./schemas.ts')

/** One form: what is wrong with which field, and whether it is being sent. */
export class FormState {
  errors = $state.raw<Record<string, string>>({})
  /** What is wrong, but with no field in particular. */
  message = $state<string>()
  requestId = $state<string>()
  isBusy = $state(false)
  /** Which field an error of the server's belongs to, by its code. */
  #fieldOf: Record<string, string>

  constructor(fieldOf: Record<string, string> = {}) {
    this.#fieldOf = fieldOf
  }

  /**
   * For `onsubmit`: checks the input with the schema that the server has, sends it, and puts what goes wrong where it
   * belongs; the first wrong field gets the focus.
   */
  async submit(event: SubmitEvent, schema: SchemaName | undefined, input: unknown, send: () => Promise<unknown>): Promise<void> {
    event.preventDefault()
    if (this.isBusy) return
    const form = event.currentTarget as HTMLFormElement
    this.isBusy = true
    this.#clear()
    try {
      const issues = schema ? await findIssues(schema, input) : []
      if (issues.length > 0) this.#show(issues)
      else await send()
    } catch (error) {
      this.#fail(error)
    } finally {
      this.isBusy = false
    }
    await tick()
    form.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus()
  }

  #clear(): void {
    this.errors = {}
    this.message = undefined
    this.requestId = undefined
  }

  #show(issues: readonly Issue[]): void {
    this.errors = toFieldErrors(issues)
    this.message = this.errors['']
  }

  #fail(thrown: unknown): void {
    const error = toSdkError(thrown)
    const field = this.#fieldOf[error.code]
    if (field) {
      this.errors = { [field]: error.message }
      return
    }
    const issues = toIssues(error.details)
    if (issues.length > 0) this.#show(issues)
    this.message ??= issues.length > 0 ? undefined : error.message
    if (isUnexpected(error)) this.requestId = error.requestId
  }
}

async function findIssues(name: SchemaName, input: unknown): Promise<readonly Issue[]> {
  const schemas = await import('./schemas.ts')
  return (schemas[name].safeParse(input).error?.issues as Issue[] | undefined) ?? []
}
