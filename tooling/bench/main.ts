import { parseArgs } from 'node:util'
import { runFunctionsSuite } from './functions-suite.ts'
import { roundTo, type Metric } from './measure.ts'
import { runProjectsSuite } from './projects-suite.ts'
import { runRestSuite } from './rest-suite.ts'

const suites: Record<string, () => Promise<Metric[]>> = { functions: runFunctionsSuite, projects: runProjectsSuite, rest: runRestSuite }

const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: 'boolean' } } })
const unknown = positionals.filter((name) => !suites[name])
if (unknown.length) {
  console.error(`unknown suite ${unknown.join(', ')}; there are ${Object.keys(suites).join(', ')}`)
  process.exit(1)
}

const metrics: Metric[] = []
for (const name of positionals.length ? positionals : Object.keys(suites)) metrics.push(...(await suites[name]!()))
for (const { metric, value, unit, against, ratio } of metrics) {
  const compared = ratio === undefined ? '' : `   ${roundTo(ratio * 100, 1)} % of ${against}`
  console.log(`${metric.padEnd(36)} ${String(roundTo(value)).padStart(12)} ${unit}${compared}`)
}
if (values.json)
  console.log(
    JSON.stringify(
      metrics.map((metric) => ({
        ...metric,
        value: roundTo(metric.value, 3),
        ratio: metric.ratio === undefined ? undefined : roundTo(metric.ratio, 3),
      })),
    ),
  )
