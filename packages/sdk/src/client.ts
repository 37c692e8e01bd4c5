import type { Api } from './api.ts'
import type { ApiShape, Procedure } from './api-of.ts'
import type { CallOptions, WatchHandlers } from './transport.ts'

/** No input at all may stand for one whose every key is optional. */
type Arguments<Input> = [Input] extends [void | undefined]
  ? [input?: undefined, options?: CallOptions]
  : Record<never, never> extends Input
    ? [input?: Input, options?: CallOptions]
    : [input: Input, options?: CallOptions]

/** One procedure as a method. */
export type Method<P extends Procedure, Input = P['input']> = P['type'] extends 'subscription'
  ? (input: Input, handlers: WatchHandlers<P['output']>) => { unsubscribe: () => void }
  : (...args: Arguments<Input>) => Promise<P['output']>

/** Every service of the server with its procedures as methods. */
export type Services<A extends ApiShape> = {
  [Service in keyof A]: { [Name in keyof A[Service]]: Method<A[Service][Name]> }
}

/** Procedures that take a project's ref. */
type BoundNames<Part extends Record<string, Procedure>> = {
  [Name in keyof Part]: Part[Name]['input'] extends { projectRef: string } ? Name : never
}[keyof Part]

type Bound<Part extends Record<string, Procedure>> = {
  [Name in BoundNames<Part>]: Method<Part[Name], Flat<Omit<Part[Name]['input'] & object, 'projectRef'>>>
}

type Flat<T> = { [Key in keyof T]: T[Key] }

/** Services with at least one procedure that takes a project's ref. */
type BoundServices<A extends ApiShape> = {
  [Service in keyof A]: [BoundNames<A[Service]>] extends [never] ? never : Service
}[keyof A]

/** One project: its services, and straight on it what `projects` can do with it, without naming the ref each time. */
export type ProjectClientOf<A extends ApiShape> = { readonly ref: string } & { [Service in BoundServices<A>]: Bound<A[Service]> } & Bound<
    A['projects']
  > & {
    /** URL and public keys for supabase-js, and where the database is. */
    connection(options?: CallOptions): Promise<A['projects']['getConnection']['output']>
  }

export interface WaitOptions extends CallOptions {
  /** Gives up after this long; waits as long as it takes when absent. */
  timeoutMs?: number
  /** Called with the operation each time that its state is heard of. */
  onProgress?: (operation: OperationOf<Api>) => void
}

type OperationOf<A extends ApiShape> = A['operations']['wait']['output']

/** The whole API of an installation. */
export type ClientOf<A extends ApiShape> = Services<Omit<A, 'projects'>> & {
  projects: Services<A>['projects'] & {
    /** Creates a project and waits until it is active. Rejects with the operation's own code if it failed. */
    createAndWait(input: A['projects']['create']['input'], options?: WaitOptions): Promise<A['projects']['get']['output']>
  }
  /** One project; makes no call yet. */
  project(ref: string): ProjectClientOf<A>
  /** Waits until the operation has succeeded. Rejects with its own code if it failed, `sdk.timeout` if it takes too long. */
  waitForOperation(operationId: string, options?: WaitOptions): Promise<OperationOf<A>>
}

export type Client = ClientOf<Api>

export type ProjectClient = ProjectClientOf<Api>

/** What a procedure takes, for example `Input<'projects', 'create'>`. */
export type Input<Service extends keyof Api, Name extends keyof Api[Service]> = Api[Service][Name] extends Procedure
  ? Api[Service][Name]['input']
  : never

/** What a procedure gives, for example `Output<'projects', 'list'>`. */
export type Output<Service extends keyof Api, Name extends keyof Api[Service]> = Api[Service][Name] extends Procedure
  ? Api[Service][Name]['output']
  : never
