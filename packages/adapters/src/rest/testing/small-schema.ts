import type { RestSettings } from '@polder/core'
import { buildSchema } from '../schema/build-schema.ts'
import type { ColumnRow, KeyRow, RoutineRow, TableRow } from '../queries/catalog.ts'
import type { ApiSchema } from '../schema/schema.ts'

/** Settings of a project that changed none. */
export const SETTINGS: RestSettings = {
  schemas: ['public'],
  extraSearchPath: ['extensions'],
  maxRows: 1000,
  preRequest: null,
  areAggregatesAllowed: true,
  isPlanAllowed: true,
  transactionEnd: 'commit',
  anonymousRole: null,
  jwtAudience: null,
  appSettings: {},
}

function column(number: number, name: string, type: string): ColumnRow {
  const nothing = { description: null, maxLength: null, default: null, enumValues: null }
  return { number, name, type, nominalType: type, isNullable: true, ...nothing }
}

function table(oid: string, name: string, columns: ColumnRow[]): TableRow {
  return { oid, schema: 'public', name, description: null, kind: 'r', commands: 28, columns }
}

function key(name: string, type: KeyRow['type'], of: [string, string], column_: string, to?: [string, string]): KeyRow {
  const foreign = to === undefined ? null : [{ number: 1, name: 'id' }]
  return {
    name,
    type,
    oid: of[0],
    schema: 'public',
    table: of[1],
    columns: [{ number: column_ === 'id' ? 1 : 2, name: column_ }],
    foreignOid: to?.[0] ?? null,
    foreignSchema: to === undefined ? null : 'public',
    foreignTable: to?.[1] ?? null,
    foreignColumns: foreign,
  }
}

const add: RoutineRow = {
  schema: 'public',
  name: 'add',
  description: null,
  parameters: ['a', 'b'].map((name) => ({ name, type: 'integer', castType: 'integer', isRequired: true, isVariadic: false })),
  isSet: false,
  isComposite: false,
  isCompositeAlias: false,
  returnsSchema: 'pg_catalog',
  returnsName: 'int4',
  volatility: 'i',
  settings: null,
}

/** Clients with projects, and a function that adds. */
export function makeSmallSchema(): ApiSchema {
  return buildSchema(
    {
      version: '1',
      namespaces: ['public', 'extensions', 'pg_catalog'],
      tables: [
        table('1', 'clients', [column(1, 'id', 'integer'), column(2, 'name', 'text'), column(3, 'data', 'jsonb')]),
        table('2', 'projects', [column(1, 'id', 'integer'), column(2, 'client_id', 'integer'), column(3, 'name', 'text')]),
      ],
      keys: [
        key('clients_pkey', 'p', ['1', 'clients'], 'id'),
        key('projects_pkey', 'p', ['2', 'projects'], 'id'),
        key('projects_client_id_fkey', 'f', ['2', 'projects'], 'client_id', ['1', 'clients']),
      ],
      views: [],
      routines: [add],
      computed: [],
      representations: [],
      handlers: [],
      roleSettings: [],
    },
    ['public'],
  )
}
