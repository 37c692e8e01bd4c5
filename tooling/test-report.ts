/** The part of vitest's JSON report that is counted. */
export interface VitestReport {
  testResults: { name: string; status: string; message?: string; assertionResults: { status: string }[] }[]
}

export interface TestCounts {
  passed: number
  failed: number
  skipped: number
}

/**
 * Counts tests. A file that could not run counts as one failure even if none of its tests got to fail, and so does a run
 * that ended badly for a reason outside any file (an unhandled error, a global setup that failed).
 */
export function countTests(report: VitestReport | undefined, exitCode: number): TestCounts {
  const counts: TestCounts = { passed: 0, failed: 0, skipped: 0 }
  for (const file of report?.testResults ?? []) {
    const failedBefore = counts.failed
    for (const { status } of file.assertionResults) {
      if (status === 'passed') counts.passed++
      else if (status === 'failed') counts.failed++
      else counts.skipped++
    }
    if (file.status === 'failed' && counts.failed === failedBefore) counts.failed++
  }
  if (exitCode !== 0 && counts.failed === 0) counts.failed++
  return counts
}

/** The last line of a run, for people and machines. */
export function toSummaryLine({ passed, failed, skipped }: TestCounts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}
