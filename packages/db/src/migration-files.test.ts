import { expect, test } from 'vitest'
import { listMigrations, requireSequence, toLedgerChecksum } from './migration-files.ts'

test.each(['platform', 'project', 'logs'] as const)('the %s ledger is numbered without a gap', async (ledger) => {
  const migrations = await listMigrations(ledger)
  expect(migrations.length).toBeGreaterThan(0)
  expect(migrations.map(({ name }) => name)).toEqual(migrations.map(({ name }) => name).toSorted())
})

test('names in any order become the sequence', () => {
  expect(requireSequence(['0002_b.sql', '0001_a.sql'])).toEqual(['0001_a.sql', '0002_b.sql'])
})

test.each([
  [['0001_a.sql', '0003_c.sql'], 'should be number 0002'],
  [['0001_a.sql', '0001_b.sql'], 'should be number 0002'],
  [['0000_a.sql'], 'should be number 0001'],
  [['001_a.sql'], 'is not named like'],
  [['0001_A.sql'], 'is not named like'],
  [['0001-a.sql'], 'is not named like'],
  [['0001_a__b.sql'], 'is not named like'],
])('%j is refused', (names, words) => {
  expect(() => requireSequence(names)).toThrow(words)
})

test('the checksum of a ledger changes with a text, a name and the order', () => {
  const [a, b] = [
    { name: '0001_a.sql', checksum: '1' },
    { name: '0002_b.sql', checksum: '2' },
  ]
  const all = [[a, b], [b, a], [a], [a, { ...b, checksum: '3' }], [a, { ...b, name: '0002_c.sql' }]].map(toLedgerChecksum)
  expect(new Set(all).size).toBe(all.length)
})
