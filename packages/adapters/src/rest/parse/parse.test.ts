import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseCsv } from './csv.ts'
import { field } from './fields.ts'
import { comparison, logicTree } from './filters.ts'
import { parseAccept, parseMediaType, toMime } from './media-type.ts'
import { orderList } from './order.ts'
import { run, type Parser } from './parsec.ts'
import { parsePreferences, toPreferenceApplied } from './prefer.ts'
import { intersectRanges, parseRangeHeader, toContentRange, toRange } from './range.ts'
import { selectList } from './select.ts'
import type { SelectItem } from './syntax.ts'

function failure(parser: Parser<unknown>, source: string): string {
  const result = run(parser, '', source)
  return 'failure' in result ? `${result.failure.message} ${result.failure.details}` : 'parsed'
}

describe('a failed parse', () => {
  // The sentences that PostgREST's own documentation of its parsers gives.
  it.each<[Parser<unknown>, string, string]>([
    [selectList, 'name::', '(line 1, column 7) unexpected end of input expecting letter or digit'],
    [orderList, 'id.ac', '(line 1, column 4) unexpected "c" expecting "asc", "desc", "nullsfirst" or "nullslast"'],
    [orderList, 'id.descc', '(line 1, column 8) unexpected \'c\' expecting delimiter (.), "," or end of input'],
    [
      orderList,
      'clients(name,id)',
      '(line 1, column 8) unexpected \'(\' expecting letter, digit, "-", "->>", "->", delimiter (.), "," or end of input',
    ],
    [comparison, 'eq().value', '(line 1, column 4) unexpected ")" expecting operator (eq, gt, ...)'],
    [comparison, 'in().value', '(line 1, column 3) unexpected "(" expecting operator (eq, gt, ...)'],
    [
      logicTree,
      'or()',
      '(line 1, column 4) unexpected ")" expecting field name (* or [a..z0..9_$]), negation operator (not) or logic operator (and, or)',
    ],
    [logicTree, 'or(id.eq.1,not.xor(id.eq.2,id.eq.3))', '(line 1, column 16) unexpected "x" expecting logic operator (and, or)'],
    [field, '->', '(line 1, column 1) unexpected "-" expecting field name (* or [a..z0..9_$])'],
  ])('says where and why', (parser, source, sentence) => {
    expect(failure(parser, source)).toBe(sentence)
  })
})

const name = fc.stringMatching(/^[a-z_][a-z0-9_]{0,8}$/).filter((each) => each !== 'count')
const oddName = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }).filter((each) => each.isWellFormed())
const quote = (each: string) => (/^[a-z0-9_]+$/.test(each) ? each : `"${each.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`)

const { items } = fc.letrec<{ items: SelectItem[]; item: SelectItem }>((tie) => ({
  items: fc.array(tie('item'), { minLength: 1, maxLength: 3 }),
  item: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.record({
      kind: fc.constant('field' as const),
      field: fc.record({
        name: fc.oneof(name, oddName),
        path: fc.array(fc.record({ arrow: fc.constantFrom('->' as const, '->>' as const), key: name, isIndex: fc.constant(false) }), {
          maxLength: 2,
        }),
      }),
      aggregate: fc.constantFrom(null, 'sum' as const, 'max' as const),
      aggregateCast: fc.constant(null),
      cast: fc.option(name),
      alias: fc.option(name),
    }),
    fc.record({
      kind: fc.constant('relation' as const),
      name,
      alias: fc.option(name),
      hint: fc.option(name.filter((each) => !/^(?:inner|left)/.test(each))),
      join: fc.constantFrom(null, 'inner' as const, 'left' as const),
      isSpread: fc.constant(false),
      items: tie('items'),
    }),
  ) as fc.Arbitrary<SelectItem>,
}))

function print(list: SelectItem[]): string {
  return list
    .map((item) => {
      const alias = item.alias === null ? '' : `${quote(item.alias)}:`
      if (item.kind === 'relation') {
        return `${alias}${item.name}${item.hint === null ? '' : `!${item.hint}`}${item.join === null ? '' : `!${item.join}`}(${print(item.items)})`
      }
      const path = item.field.path.map((step) => step.arrow + step.key).join('')
      return `${alias}${quote(item.field.name)}${path}${item.cast === null ? '' : `::${item.cast}`}${item.aggregate === null ? '' : `.${item.aggregate}()`}`
    })
    .join(',')
}

describe('select', () => {
  it('reads what it prints', () => {
    fc.assert(
      fc.property(items, (list) => {
        expect(run(selectList, '', print(list))).toEqual({ value: list })
      }),
      { numRuns: 300 },
    )
  })

  it('takes any text without throwing', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (source) => {
        for (const parser of [selectList, orderList, comparison, logicTree, field]) run<unknown>(parser, '', source)
      }),
      { numRuns: 500 },
    )
  })
})

describe('headers', () => {
  it('reads preferences; the first of one kind counts, and what is not known is told', () => {
    const preferences = parsePreferences('tx=commit, return=minimal,return=representation, timezone=Mars/Base, odd', true, () => false)
    expect(preferences).toMatchObject({
      transaction: 'commit',
      representation: 'minimal',
      timeZone: null,
      unknown: ['timezone=Mars/Base', 'odd'],
    })
    expect(toPreferenceApplied({ ...preferences, handling: 'strict', maxAffected: 3 })).toBe(
      'return=minimal, tx=commit, handling=strict, max-affected=3',
    )
  })

  it('reads media types with their parameters', () => {
    for (const each of [
      'application/vnd.pgrst.object+json;nulls=stripped',
      'text/csv',
      'application/vnd.pgrst.plan+json; for="text/csv"; options=analyze|wal',
      'image/png',
    ]) {
      expect(toMime(parseMediaType(each))).toBe(each)
    }
    expect(parseAccept('text/csv;q=0.1, application/json').map(toMime)).toEqual(['application/json', 'text/csv'])
  })

  it('cuts ranges', () => {
    expect(intersectRanges(parseRangeHeader('0-9'), toRange('5', '2'))).toEqual({ lower: 2, upper: 6 })
    expect(intersectRanges(parseRangeHeader(undefined), toRange('0', undefined))).toEqual({ lower: 0, upper: -1 })
    expect(() => intersectRanges(parseRangeHeader('9-1'), toRange(undefined, undefined))).toThrow('Requested range not satisfiable')
    expect(() => intersectRanges(parseRangeHeader(undefined), toRange('-1', undefined))).toThrow('Requested range not satisfiable')
    expect([toContentRange(0, 4, 10), toContentRange(0, -1, 0), toContentRange(0, -1, null)]).toEqual(['0-4/10', '*/0', '*/*'])
  })

  it('reads CSV as it is written', () => {
    const cell = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', 'é', ' ') })
    const table = fc
      .integer({ min: 2, max: 4 })
      .chain((width) => fc.array(fc.array(cell, { minLength: width, maxLength: width }), { minLength: 1 }))
    fc.assert(
      fc.property(table, (rows) => {
        const text = rows.map((row) => row.map((each) => `"${each.replaceAll('"', '""')}"`).join(',')).join('\r\n')
        expect(parseCsv(text)).toEqual(rows)
      }),
    )
  })
})
