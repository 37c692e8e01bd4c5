import { restError } from '../fault.ts'
import type { ApiRequest } from '../parse/api-request.ts'
import type { MediaType } from '../parse/media-type.ts'
import {
  type ApiSchema,
  type QualifiedName,
  type Routine,
  type RoutineParameter,
  isScalar,
  isSetOfScalar,
  nameKey,
} from '../schema/schema.ts'
import { neededColumns } from './mutate-plan.ts'
import type { PlannedCondition, ReadNode } from './read-plan.ts'
import { findSimilar } from './similar.ts'

/** How a function's arguments travel. */
export type CallArguments =
  | { kind: 'none' }
  /** The whole body, for one unnamed parameter. */
  | { kind: 'body'; type: string }
  /** The query string or form as JSON, for one unnamed JSON parameter. */
  | { kind: 'object'; entries: { name: string; slot: number }[]; type: string }
  | { kind: 'named'; parameters: { parameter: RoutineParameter; slots: number[] }[] }
  /** Keys of the JSON body. */
  | { kind: 'json'; parameters: RoutineParameter[]; isObject: boolean }

export interface CallPlan {
  routine: Routine
  arguments: CallArguments
  isValue: boolean
  /** Columns to take of the result; empty for all. */
  returning: string[]
}

interface Wanted {
  name: QualifiedName
  keys: ReadonlySet<string>
  contentType: MediaType
  isInvocation: boolean
}

/** The function that the names of the arguments choose. Throws PGRST202 for none, PGRST203 for several. */
export function getRoutine(schema: ApiSchema, wanted: Wanted): Routine {
  const overloads = schema.routines.get(nameKey(wanted.name)) ?? []
  const named = overloads.filter((routine) => takesArguments(routine, wanted))
  const found = named.length > 0 ? named : overloads.filter((routine) => takesBody(routine, wanted))
  if (found.length === 1 && found[0] !== undefined) return found[0]
  if (found.length === 0) throw routineNotFound(schema, wanted, overloads)
  const shown = found.map(({ schema: of, name, parameters }) => {
    return `${of}.${name}(${parameters.map((each) => `${each.name} => ${each.type}`).join(', ')})`
  })
  throw restError('rest.function_not_found', `Could not choose the best candidate function between: ${shown.join(', ')}`, {
    pgrst: 'PGRST203',
    status: 300,
    hint: 'Try renaming the parameters or the function itself in the database so function overloading can be resolved',
  })
}

const BODY_TYPES: Partial<Record<MediaType['kind'], string[]>> = {
  json: ['json', 'jsonb'],
  text: ['text'],
  xml: ['xml'],
  binary: ['bytea'],
}

function takesBody({ parameters }: Routine, { contentType, isInvocation }: Wanted): boolean {
  const [only, second] = parameters
  if (!isInvocation || only === undefined || second !== undefined || only.name !== '') return false
  return BODY_TYPES[contentType.kind]?.includes(only.type) ?? false
}

function isRawBody({ contentType, isInvocation }: Wanted): boolean {
  return isInvocation && (contentType.kind === 'text' || contentType.kind === 'xml' || contentType.kind === 'binary')
}

function takesArguments({ parameters }: Routine, wanted: Wanted): boolean {
  const { keys } = wanted
  if (parameters.length === 0) return keys.size === 0 && !isRawBody(wanted)
  const names = new Set(parameters.map((each) => each.name))
  const required = parameters.filter((each) => each.isRequired)
  return required.every((each) => keys.has(each.name)) && [...keys].every((key) => names.has(key))
}

function routineNotFound(schema: ApiSchema, wanted: Wanted, overloads: Routine[]) {
  const { name, contentType, isInvocation } = wanted
  const shown = `${name.schema}.${name.name}`
  const keys = [...wanted.keys].toSorted()
  const isRaw = isRawBody(wanted)
  const none = ' without parameters'
  const listed = keys.length === 0 ? none : `(${keys.join(', ')})`
  const counted = keys.length === 0 ? none : ` with parameter${keys.length > 1 ? 's' : ''} ${keys.join(', ')}`
  const rawType = contentType.kind === 'binary' ? 'bytea' : contentType.kind
  const searched = isRaw
    ? ` with a single unnamed ${rawType} parameter`
    : `${counted}${isInvocation && contentType.kind === 'json' ? ' or with a single unnamed json/jsonb parameter' : ''}`
  return restError('rest.function_not_found', `Could not find the function ${shown}${isRaw ? '' : listed} in the schema cache`, {
    pgrst: 'PGRST202',
    status: 404,
    details: `Searched for the function ${shown}${searched}, but no matches were found in the schema cache.`,
    hint: isRaw ? null : suggest(schema, name, keys, overloads),
  })
}

function suggest(schema: ApiSchema, name: QualifiedName, keys: string[], overloads: Routine[]): string | null {
  const phrase = `Perhaps you meant to call the function ${name.schema}.`
  if (overloads.length > 0) {
    const signatures = overloads.map(
      ({ parameters }) =>
        `(${parameters
          .map((each) => each.name)
          .toSorted()
          .join(', ')})`,
    )
    const found = findSimilar(signatures, `(${keys.join(', ')})`, 0.33)
    return found === undefined ? null : phrase + name.name + found
  }
  const names = [...schema.routines.values()].flatMap(([first]) => (first?.schema === name.schema ? [first.name] : []))
  const found = findSimilar(names, name.name, 0.75)
  return found === undefined ? null : phrase + found
}

/** Plans a call. */
export function buildCallPlan(routine: Routine, request: ApiRequest, read: ReadNode): CallPlan {
  const isValue = isScalar(routine) || isSetOfScalar(routine)
  const needed = neededColumns(read, [])
  if (needed.size > 0 && !needed.has('*')) for (const name of filteredColumns(read.where)) needed.add(name)
  return { routine, arguments: toArguments(routine, request), isValue, returning: needed.has('*') ? ['*'] : [...needed] }
}

function toArguments(routine: Routine, { query, payload }: ApiRequest): CallArguments {
  const [only, second] = routine.parameters
  const isPositional = only !== undefined && second === undefined && only.name === ''
  if (payload === null || payload.kind === 'form') {
    if (isPositional) return { kind: 'object', entries: query.arguments, type: only.type }
    const parameters = routine.parameters.flatMap((parameter) => {
      const slots = query.arguments.filter(({ name }) => name === parameter.name).map(({ slot }) => slot)
      return slots.length === 0 ? [] : [{ parameter, slots: parameter.isVariadic ? slots : slots.slice(-1) }]
    })
    return parameters.length === 0 ? { kind: 'none' } : { kind: 'named', parameters }
  }
  if (isPositional) return { kind: 'body', type: only.type }
  const keys = new Set(payload.kind === 'json' ? payload.keys : [])
  const parameters = routine.parameters.filter((parameter) => keys.has(parameter.name))
  if (parameters.length === 0) return { kind: 'none' }
  return { kind: 'json', parameters, isObject: payload.kind === 'json' && payload.isObject }
}

function filteredColumns(conditions: readonly PlannedCondition[]): string[] {
  return conditions.flatMap((condition) => {
    if (condition.kind === 'group') return filteredColumns(condition.members)
    return condition.kind === 'filter' ? [condition.field.name] : []
  })
}
