import { restError } from '../fault.ts'
import { type ApiSchema, type Cardinality, type ColumnPair, type QualifiedName, type Relationship, nameKey } from '../schema/schema.ts'
import { findSimilar } from './similar.ts'
import type { JoinCondition } from './read-plan.ts'

type Detected = Extract<Relationship, { kind: 'detected' }>

/** The one relationship that an embed means. Throws PGRST200 when there is none, PGRST201 when there are several. */
export function getRelationship(schema: ApiSchema, namespace: string, origin: string, target: string, hint: string | null): Relationship {
  const known = schema.relationships.get(nameKey({ schema: namespace, name: origin })) ?? []
  const candidates = known.filter((each) => each.foreign.schema === namespace)
  const found = candidates.filter((each) =>
    each.kind === 'computed' ? each.function.name === target : each.isSelf ? isSelfMatch(each, target, hint) : isMatch(each, target, hint),
  )
  const [first, second] = found
  if (first === undefined) throw notFound(schema, namespace, origin, target, hint)
  if (second !== undefined)
    throw ambiguous(
      origin,
      target,
      found.filter((each) => each.kind === 'detected'),
    )
  return first
}

function isSelfMatch({ foreign, cardinality }: Detected, target: string, hint: string | null): boolean {
  const isMany = cardinality.kind === 'one_to_many' && target === foreign.name
  // A table that refers to itself has two relationships by one key: by its name the many, by the column's name the one.
  if (hint === null) return isMany || (cardinality.kind === 'many_to_one' && singleColumn(cardinality, 0) === target)
  return isMany && singleColumn(cardinality, 1) === hint
}

function isMatch({ foreign, cardinality, isForeignView }: Detected, target: string, hint: string | null): boolean {
  if (hint === null) {
    if (target === foreign.name) return true
    return !isForeignView && (constraintOf(cardinality) === target || singleColumn(cardinality, 0) === target)
  }
  if (target !== foreign.name) return false
  if (cardinality.kind === 'many_to_many') return cardinality.junction.name === hint
  return constraintOf(cardinality) === hint || singleColumn(cardinality, 0) === hint || singleColumn(cardinality, 1) === hint
}

function constraintOf(cardinality: Cardinality): string | undefined {
  return cardinality.kind === 'many_to_many' ? undefined : cardinality.constraint
}

function singleColumn(cardinality: Cardinality, side: 0 | 1): string | undefined {
  return cardinality.kind !== 'many_to_many' && cardinality.columns.length === 1 ? cardinality.columns[0]?.[side] : undefined
}

function notFound(schema: ApiSchema, namespace: string, origin: string, target: string, hint: string | null) {
  const using = hint === null ? '' : `' using the hint '${hint}`
  return restError('rest.relationship_not_found', `Could not find a relationship between '${origin}' and '${target}' in the schema cache`, {
    pgrst: 'PGRST200',
    status: 400,
    details: `Searched for a foreign key relationship between '${origin}' and '${target}${using}' in the schema '${namespace}', but no matches were found.`,
    hint: suggest(schema, namespace, origin, target),
  })
}

function suggest(schema: ApiSchema, namespace: string, origin: string, target: string): string | null {
  const known = schema.relationships.get(nameKey({ schema: namespace, name: origin }))
  if (known === undefined) {
    const parents = [...schema.relationships.keys()].map((key) => key.split('\u0000')).filter(([of]) => of === namespace)
    const parent = findSimilar(
      parents.map(([, name]) => name ?? ''),
      origin,
      0.33,
    )
    return parent === undefined ? null : `Perhaps you meant '${parent}' instead of '${origin}'.`
  }
  const children = known.filter((each) => each.foreign.schema === namespace).map((each) => each.foreign.name)
  const child = findSimilar(children, target, 0.33)
  return child === undefined || child === target ? null : `Perhaps you meant '${child}' instead of '${target}'.`
}

function ambiguous(origin: string, target: string, found: Detected[]) {
  const hints = found.map((each) => {
    const by = each.cardinality.kind === 'many_to_many' ? each.cardinality.junction.name : each.cardinality.constraint
    return `'${each.foreign.name}!${by}'`
  })
  const message = `Could not embed because more than one relationship was found for '${origin}' and '${target}'`
  return restError('rest.relationship_ambiguous', message, {
    pgrst: 'PGRST201',
    status: 300,
    details: found.map(describe),
    hint: `Try changing '${target}' to one of the following: ${hints.join(', ')}. Find the desired relationship in the 'details' key.`,
  })
}

function describe({ table, foreign, cardinality }: Detected): object {
  const columns = (pairs: ColumnPair[], side: 0 | 1) => `(${pairs.map((pair) => pair[side]).join(', ')})`
  const embedding = `${table.name} with ${foreign.name}`
  if (cardinality.kind === 'many_to_many') {
    const { junction, constraints, source, target } = cardinality
    const relationship = `${junction.name} using ${constraints[0]}${columns(source, 1)} and ${constraints[1]}${columns(target, 1)}`
    return { cardinality: 'many-to-many', embedding, relationship }
  }
  const { kind, constraint, columns: pairs } = cardinality
  const relationship = `${constraint} using ${table.name}${columns(pairs, 0)} and ${foreign.name}${columns(pairs, 1)}`
  return { cardinality: kind.replaceAll('_', '-'), embedding, relationship }
}

/** What joins an embed to its parent. */
export function toJoinConditions(relationship: Relationship, alias: string | null, parentAlias: string | null): JoinCondition[] {
  if (relationship.kind === 'computed') return []
  const { table, foreign, cardinality } = relationship
  const named = (name: string | null, otherwise: QualifiedName): QualifiedName => (name === null ? otherwise : { schema: '', name })
  const parent = named(parentAlias, table)
  if (cardinality.kind !== 'many_to_many') {
    const own = named(alias, foreign)
    return cardinality.columns.map(([column, foreignColumn]) => ({
      left: { table: own, column: foreignColumn },
      right: { table: parent, column },
    }))
  }
  const { junction, source, target } = cardinality
  return [
    ...target.map(([column, through]) => ({ left: { table: junction, column: through }, right: { table: named(alias, foreign), column } })),
    ...source.map(([column, through]) => ({ left: { table: junction, column: through }, right: { table: parent, column } })),
  ]
}
