import type { Procedure } from './api-of.ts'

const QUERY = /^(?:list|get|find|wait|has|is|may)(?![a-z])/
const SUBSCRIPTION = /^watch(?![a-z])/

/** How a procedure is called, by the verb that its name starts with; a test walks the server's router and proves it. */
export function toProcedureType(name: string): Procedure['type'] {
  if (QUERY.test(name)) return 'query'
  return SUBSCRIPTION.test(name) ? 'subscription' : 'mutation'
}
