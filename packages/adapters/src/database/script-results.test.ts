import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ScriptResults, type ScriptLimits } from './script-results.ts'

const LIMITS: ScriptLimits = { maxRows: 3, maxCharacters: 100, maxResults: 4, maxNotices: 2, maxMessage: 20 }
const column = (name: string) => ({ name, typeId: 25, typeModifier: -1 })

describe('ScriptResults', () => {
  test('keeps one result a statement, with its tag', () => {
    const results = new ScriptResults(LIMITS)
    results.endStatement('CREATE TABLE')
    results.addColumns([column('a'), column('b')])
    results.addRow(['1', null])
    results.endStatement('SELECT 1')
    expect(results.results).toEqual([
      { command: 'CREATE TABLE', columns: [], rows: [], rowCount: 0, isTruncated: false },
      { command: 'SELECT 1', columns: [column('a'), column('b')], rows: [['1', null]], rowCount: 1, isTruncated: false },
    ])
    expect([...results.commands]).toEqual([
      ['CREATE TABLE', 1],
      ['SELECT', 1],
    ])
  })

  test('a SELECT that gives its rows to a table is no SELECT', () => {
    const results = new ScriptResults(LIMITS)
    results.endStatement('SELECT 5')
    results.addColumns([])
    results.endStatement('SELECT 5')
    expect([...results.commands.keys()]).toEqual(['CREATE TABLE AS', 'SELECT'])
  })

  test('counts rows past the limit', () => {
    const results = new ScriptResults(LIMITS)
    results.addColumns([column('a')])
    for (let row = 0; row < 10; row++) results.addRow([`${row}`])
    results.endStatement('SELECT 10')
    expect(results.results[0]).toMatchObject({ rowCount: 10, isTruncated: true, rows: [['0'], ['1'], ['2']] })
  })

  test('a row past the budget leaves no hole behind it', () => {
    const results = new ScriptResults(LIMITS)
    results.addColumns([column('a')])
    results.addRow(['x'.repeat(90)])
    results.addRow(['x'.repeat(90)])
    results.addRow(['small'])
    results.endStatement('SELECT 3')
    expect(results.results[0]).toMatchObject({ rowCount: 3, isTruncated: true })
    expect(results.results[0]?.rows).toHaveLength(1)
  })

  test('says how many notices and results it left out', () => {
    const results = new ScriptResults(LIMITS)
    for (let index = 0; index < 6; index++) results.endStatement('SELECT 1')
    for (let index = 0; index < 5; index++) results.addNotice('NOTICE', `number ${index} ${'x'.repeat(50)}`)
    results.end()
    expect(results.results).toHaveLength(4)
    expect(results.notices).toEqual([
      'NOTICE: number 0 xxx…',
      'NOTICE: number 1 xxx…',
      '3 further notices are not shown.',
      'The results of 2 further statements are not shown.',
    ])
  })

  test('property: never holds more than the limits, and counts everything', () => {
    const statement = fc.array(fc.array(fc.option(fc.string({ maxLength: 30 })), { minLength: 1, maxLength: 3 }), { maxLength: 10 })
    fc.assert(
      fc.property(fc.array(statement, { maxLength: 8 }), (statements) => {
        const results = new ScriptResults(LIMITS)
        for (const rows of statements) {
          results.addColumns([column('a')])
          for (const row of rows) results.addRow(row)
          results.endStatement(`SELECT ${rows.length}`)
        }
        const kept = results.results.flatMap(({ rows }) => rows)
        expect(kept.flat().reduce((sum, cell) => sum + (cell?.length ?? 0), 0)).toBeLessThanOrEqual(LIMITS.maxCharacters)
        for (const { rows } of results.results) expect(rows.length).toBeLessThanOrEqual(LIMITS.maxRows)
        expect(results.results.length).toBeLessThanOrEqual(LIMITS.maxResults)
        expect(results.commands.get('SELECT') ?? 0).toBe(statements.length)
        results.results.forEach(({ rowCount, rows, isTruncated }, index) => {
          expect(rowCount).toBe(statements[index]?.length)
          expect(isTruncated).toBe(rows.length < rowCount)
        })
      }),
      { numRuns: 300 },
    )
  })
})
