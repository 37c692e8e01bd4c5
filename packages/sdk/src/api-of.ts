import type { AnyProcedure, AnyRouter, inferRouterInputs, inferRouterOutputs } from '@trpc/server'

/** What one procedure takes and gives on the wire: dates are ISO texts, brands are gone. */
export interface Procedure {
  type: 'query' | 'mutation' | 'subscription'
  input: unknown
  output: unknown
}

/** Every procedure by service and name: the whole server as plain types. */
export type ApiShape = { [Service in string]: { [Name in string]: Procedure } }

/** A branded text is a text to whoever reads it; its brand would name the schema library. */
type Unbranded<Value> = Value extends string
  ? [Exclude<keyof Value, keyof string>] extends [never]
    ? Value
    : string
  : Value extends readonly (infer Element)[]
    ? Unbranded<Element>[]
    : Value extends object
      ? { [Key in keyof Value]: Unbranded<Value[Key]> }
      : Value

/** What `for await` of a subscription gives. */
type Yielded<Output> = Output extends AsyncIterable<infer Value> ? Value : Output

/** The plain types of a tRPC router of two levels (service, procedure). */
export type ApiOf<Router extends AnyRouter> = {
  [Service in keyof Router['_def']['record'] & string]: {
    [Name in keyof Router['_def']['record'][Service] & string]: Router['_def']['record'][Service][Name] extends AnyProcedure
      ? {
          type: Router['_def']['record'][Service][Name]['_def']['type']
          input: InputOf<Router, Service, Name>
          output: Unbranded<Yielded<OutputOf<Router, Service, Name>>>
        }
      : never
  }
}

type InputOf<Router extends AnyRouter, Service extends string, Name extends string> =
  inferRouterInputs<Router> extends Record<Service, Record<Name, infer Input>> ? Input : never

type OutputOf<Router extends AnyRouter, Service extends string, Name extends string> =
  inferRouterOutputs<Router> extends Record<Service, Record<Name, infer Output>> ? Output : never
