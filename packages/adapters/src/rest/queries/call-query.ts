import type { CallArguments, CallPlan } from '../plan/call-plan.ts'
import { unknownField } from '../plan/fields.ts'
import { bodyRows } from './mutate-query.ts'
import { NOTHING, type Sql, columnOf, fromCatalogue, identifier, join, parameter, qualified, sql } from './sql-text.ts'

const COMMA = sql`, `
const CALL = { schema: '', name: 'pgrst_call' }
const BODY = { schema: '', name: 'pgrst_body' }

/** The rows, or the one value, that a function gives. */
export function callQuery(plan: CallPlan): Sql {
  const columns = plan.isValue ? sql`pgrst_call.pgrst_scalar` : resultColumns(plan.returning)
  const args = plan.arguments
  if (args.kind !== 'json') return sql`SELECT ${columns} FROM ${called(plan, written(args))}`
  const fields = args.parameters.map((each) => ({ ...unknownField(each.name), type: each.castType }))
  const named = args.parameters.map((each) => {
    const value = sql`${identifier(each.name)} := ${columnOf(BODY, each.name)}`
    return each.isVariadic ? sql`VARIADIC ${value}` : value
  })
  return sql`SELECT ${columns} ${bodyRows(fields, args.isObject, false, true)}, LATERAL ${called(plan, join(named, COMMA))}`
}

function resultColumns(returning: readonly string[]): Sql {
  if (returning.length === 0) return sql`*`
  return join(
    returning.map((column) => columnOf(CALL, column)),
    COMMA,
  )
}

function called({ routine, isValue }: CallPlan, args: Sql): Sql {
  const call = sql`${qualified(routine)}(${args})`
  return isValue ? sql`(SELECT ${call} pgrst_scalar) pgrst_call` : sql`${call} pgrst_call`
}

function written(args: Exclude<CallArguments, { kind: 'json' }>): Sql {
  switch (args.kind) {
    case 'none':
      return NOTHING
    case 'body':
      return sql`${parameter({ kind: 'body' })}::${fromCatalogue(args.type)}`
    case 'object':
      return sql`${parameter({ kind: 'arguments', entries: args.entries })}::${fromCatalogue(args.type)}`
    case 'named':
      return join(
        args.parameters.map(({ parameter: each, slots }) => {
          const value = each.isVariadic
            ? parameter({ kind: 'array', slots })
            : parameter({ kind: 'slot', slot: slots[0] ?? 0, form: 'text', prefix: '' })
          const named = sql`${identifier(each.name)} := ${value}::${fromCatalogue(each.castType)}`
          return each.isVariadic ? sql`VARIADIC ${named}` : named
        }),
        COMMA,
      )
  }
}
