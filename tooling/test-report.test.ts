import { describe, expect, test } from 'vitest'
import { countTests, toSummaryLine } from './test-report.ts'

const file = (status: string, ...statuses: string[]) => ({
  name: 'a.test.ts',
  status,
  assertionResults: statuses.map((status) => ({ status })),
})

describe('countTests', () => {
  test('counts tests by how they ended', () => {
    const counts = countTests(
      { testResults: [file('failed', 'passed', 'failed', 'skipped'), file('passed', 'passed', 'todo', 'pending')] },
      1,
    )
    expect(counts).toEqual({ passed: 2, failed: 1, skipped: 3 })
    expect(toSummaryLine(counts)).toBe('2 passed, 1 failed, 3 skipped')
  })

  test('a file that could not be loaded is one failure', () => {
    expect(countTests({ testResults: [file('failed')] }, 1)).toEqual({ passed: 0, failed: 1, skipped: 0 })
  })

  test('a hook that failed after its tests passed is one failure', () => {
    expect(countTests({ testResults: [file('failed', 'passed')] }, 1).failed).toBe(1)
  })

  test('a run that died without a report, or failed outside every test, is one failure', () => {
    expect(toSummaryLine(countTests(undefined, 1))).toBe('0 passed, 1 failed')
    expect(countTests({ testResults: [file('passed', 'passed')] }, 1).failed).toBe(1)
  })

  test('a good run has no failures and no word of skipped tests', () => {
    expect(toSummaryLine(countTests({ testResults: [file('passed', 'passed')] }, 0))).toBe('1 passed, 0 failed')
  })
})
