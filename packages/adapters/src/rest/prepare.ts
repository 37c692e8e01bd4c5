import type { RestSettings } from '@polder/core'
import { preferencesInvalid, restError } from './fault.ts'
import { type ApiRequest, isMutation } from './parse/api-request.ts'
import { type MediaType, toContentType } from './parse/media-type.ts'
import { type Preferences, toPreferenceApplied } from './parse/prefer.ts'
import type { RangeParams } from './parse/query-params.ts'
import { buildCallPlan, getRoutine } from './plan/call-plan.ts'
import { buildMutatePlan } from './plan/mutate-plan.ts'
import { type BodyFormat, negotiate } from './plan/negotiate.ts'
import { buildReadPlan } from './plan/build-read-plan.ts'
import { findSimilar } from './plan/similar.ts'
import {
  callStatement,
  estimateStatement,
  explained,
  mutateStatement,
  preRequestStatement,
  readStatement,
  type RowGuard,
} from './queries/statements.ts'
import { type Sql, type StatementTemplate, toTemplate } from './queries/sql-text.ts'
import { type ApiSchema, type QualifiedName, type Table, type TransactionSettings, isVoid, nameKey } from './schema/schema.ts'

/** All that is known of a request's shape before its values: kept, and used for every request of the same shape. */
export interface Prepared {
  statement: StatementTemplate
  /** Asks the planner for a count. */
  estimate: StatementTemplate | null
  isReadOnly: boolean
  isRolledBack: boolean
  action: ApiRequest['action']
  preferences: Preferences
  /** The top level's limit and offset. */
  range: RangeParams | null
  isSingular: boolean
  isExplained: boolean
  isVoid: boolean
  format: BodyFormat
  contentType: string
  /** Schemas that unqualified names of functions and types are looked for in. */
  searchPath: readonly string[]
  /** The call of the project's pre-request function. */
  before: string | undefined
  preferenceApplied: string | undefined
  table: string
  /** Most rows of an answer. */
  maxRows: number | null
  /** What the function that is called asks for. */
  transaction: TransactionSettings | null
  /** What each role asks for, where any does. */
  roles: ReadonlyMap<string, TransactionSettings>
  /** `app.settings.…` of the project. */
  appSettings: TransactionSettings['settings']
}

/** Plans a request and writes its SQL. Pure: needs the schema, and none of the request's values. */
export function prepare(schema: ApiSchema, settings: RestSettings, request: ApiRequest): Prepared {
  const prepared = request.action.kind === 'call' ? prepareCall(schema, settings, request) : prepareTable(schema, settings, request)
  const { unknown, handling } = request.preferences
  if (unknown.length > 0 && handling === 'strict') throw preferencesInvalid(unknown)
  return prepared
}

type Planned = Pick<Prepared, 'isReadOnly' | 'format' | 'contentType' | 'isSingular' | 'isExplained'> & {
  statement: Sql
  estimate: Sql | null
  isVoid: boolean
  applied: Partial<Preferences>
  transaction?: TransactionSettings
}

function finish(schema: ApiSchema, settings: RestSettings, request: ApiRequest, planned: Planned): Prepared {
  const { statement, estimate, applied, transaction = null, ...rest } = planned
  return {
    ...rest,
    statement: toTemplate(statement),
    estimate: estimate === null ? null : toTemplate(estimate),
    action: request.action,
    isRolledBack: (request.preferences.transaction ?? settings.transactionEnd.replace('-allow-override', '')) === 'rollback',
    preferences: request.preferences,
    range: request.query.ranges.find(({ path }) => path.length === 0)?.value ?? null,
    before: settings.preRequest === null ? undefined : toTemplate(preRequestStatement(settings.preRequest)).text,
    preferenceApplied: toPreferenceApplied(applied),
    table: request.target.name,
    searchPath: [request.target.schema, ...settings.extraSearchPath].filter((name) => schema.namespaces.has(name)),
    maxRows: settings.maxRows,
    transaction,
    roles: schema.roles,
    appSettings: Object.entries(settings.appSettings).map(([name, value]) => [`app.settings.${name}`, value] as const),
  }
}

function prepareTable(schema: ApiSchema, settings: RestSettings, request: ApiRequest): Prepared {
  const table = schema.tables.get(nameKey(request.target))
  if (table === undefined) throw tableNotFound(schema, request.target)
  const options = { maxRows: settings.maxRows, areAggregatesAllowed: settings.areAggregatesAllowed }
  const read = buildReadPlan(schema, { schema: table.schema, name: table.name }, request, options)
  return isMutation(request.action) ? prepareMutation(schema, settings, request, table, read) : prepareRead(schema, settings, request, read)
}

function prepareRead(schema: ApiSchema, settings: RestSettings, request: ApiRequest, read: ReturnType<typeof buildReadPlan>): Prepared {
  const { format, media } = negotiate(schema, request, request.target, read, settings.isPlanAllowed)
  const { count, transaction, handling, timeZone } = request.preferences
  const statement = readStatement(read, { format, count, maxRows: settings.maxRows })
  const isEstimated = count === 'planned' || count === 'estimated'
  return finish(schema, settings, request, {
    statement: media.kind === 'plan' ? explained(statement, media.format, media.options) : statement,
    estimate: isEstimated ? estimateStatement(read) : null,
    isReadOnly: true,
    format,
    contentType: toContentType(media),
    isSingular: media.kind === 'singular',
    isExplained: media.kind === 'plan',
    isVoid: false,
    applied: { count, transaction, handling, timeZone },
  })
}

function prepareMutation(
  schema: ApiSchema,
  settings: RestSettings,
  request: ApiRequest,
  table: Table,
  read: ReturnType<typeof buildReadPlan>,
): Prepared {
  const plan = buildMutatePlan(schema, table, request, read)
  const { format, media } = negotiate(schema, request, request.target, read, settings.isPlanAllowed)
  const { preferences, action } = request
  const statement = mutateStatement(plan, read, format, preferences.representation === 'headers-only', guardOf(request, media))
  const isKeyed = plan.kind === 'insert' && action.kind === 'insert' && (plan.primaryKey.length > 0 || request.query.onConflict !== null)
  return finish(schema, settings, request, {
    statement: media.kind === 'plan' ? explained(statement, media.format, media.options) : statement,
    estimate: null,
    isReadOnly: false,
    format,
    contentType: toContentType(media),
    isSingular: media.kind === 'singular',
    isExplained: media.kind === 'plan',
    isVoid: false,
    applied: {
      ...preferences,
      resolution: isKeyed ? preferences.resolution : null,
      missing: action.kind === 'insert' || action.kind === 'update' ? preferences.missing : null,
      maxAffected: action.kind === 'update' || action.kind === 'delete' ? preferences.maxAffected : null,
    },
  })
}

/** What may be undone for the number of its rows has to say so itself; a plan is only looked at. */
function guardOf({ action, preferences }: ApiRequest, media: MediaType): RowGuard {
  if (media.kind === 'plan') return null
  if (media.kind === 'singular' || action.kind === 'put') return 'one'
  const { maxAffected, handling } = preferences
  return maxAffected !== null && handling === 'strict' && action.kind !== 'insert' ? { most: maxAffected } : null
}

function prepareCall(schema: ApiSchema, settings: RestSettings, request: ApiRequest): Prepared {
  const { query, payload, preferences, contentType } = request
  const isInvocation = request.action.kind === 'call' && request.action.isInvocation
  const keys = new Set(payload?.kind === 'json' ? payload.keys : query.arguments.map(({ name }) => name))
  const routine = getRoutine(schema, { name: request.target, keys, contentType, isInvocation })
  // A function that gives rows of a table is read, filtered and embedded like the table.
  const relation = { schema: routine.schema, name: routine.isComposite ? routine.returns.name : routine.name }
  const options = { maxRows: settings.maxRows, areAggregatesAllowed: settings.areAggregatesAllowed }
  const read = buildReadPlan(schema, relation, request, options)
  const plan = buildCallPlan(routine, request, read)
  const { format, media } = negotiate(schema, request, relation, read, settings.isPlanAllowed)
  if (preferences.maxAffected !== null && preferences.handling === 'strict' && !routine.isSet) {
    const message = 'Function must return SETOF or TABLE when max-affected preference is used with handling=strict'
    throw restError('rest.preference_invalid', message, { pgrst: 'PGRST128', status: 400 })
  }
  const isCounted = preferences.count === 'exact' || preferences.count === 'estimated'
  const statement = callStatement(plan, read, format, isCounted, guardOf(request, media))
  const { count, transaction, handling, timeZone, maxAffected } = preferences
  return finish(schema, settings, request, {
    statement: media.kind === 'plan' ? explained(statement, media.format, media.options) : statement,
    estimate: null,
    isReadOnly: !isInvocation || routine.volatility !== 'volatile',
    format,
    contentType: toContentType(media),
    isSingular: media.kind === 'singular',
    isExplained: media.kind === 'plan',
    isVoid: isVoid(routine),
    transaction: routine.transaction,
    applied: { count, transaction, handling, timeZone, maxAffected },
  })
}

/** PGRST205, with the name that was perhaps meant. */
export function tableNotFound(schema: ApiSchema, name: QualifiedName) {
  const names = [...schema.tables.values()].filter((table) => table.schema === name.schema).map((table) => table.name)
  const similar = names.length < 500 ? findSimilar(names, name.name, 0.75) : undefined
  return restError('rest.relation_not_found', `Could not find the table '${name.schema}.${name.name}' in the schema cache`, {
    pgrst: 'PGRST205',
    status: 404,
    hint: similar === undefined ? null : `Perhaps you meant the table '${name.schema}.${similar}'`,
  })
}
