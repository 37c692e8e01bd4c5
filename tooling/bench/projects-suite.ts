import { execFileSync } from 'node:child_process'
import { measureDashboard } from './dashboard-load.ts'
import { timeOf, toMedian, toPercentile, type Metric } from './measure.ts'
import { createApp, memoryOf, openBenchServer, type BenchServer } from './open-server.ts'

const PROJECTS = 200
const SAMPLES = 20

/** Creating and deleting projects, what an idle one costs, the warm start, and the dashboard's first load. */
export async function runProjectsSuite(): Promise<Metric[]> {
  const metrics: Metric[] = []
  {
    await using server = await openBenchServer({ POLDER_WARM_DATABASES: '0' })
    const cold = await sample(SAMPLES, () => createAndAsk(server))
    metrics.push({ metric: 'projects.create_cold_p50_ms', value: toMedian(cold), unit: 'ms' })
  }
  // Idle connections close after two seconds here, so that "idle" is reached while the bench watches.
  await using server = await openBenchServer({ POLDER_POOL_IDLE_SECONDS: '2' })
  await createAndAsk(server)
  await settle()
  const empty = { memory: memoryOf(server.processes()), disk: diskOf(server.folder) }
  const first = await sample(SAMPLES, async () => (await settleWarmPool(), createAndAsk(server)))
  metrics.push({ metric: 'projects.create_p50_ms', value: toMedian(first), unit: 'ms' })
  metrics.push({ metric: 'projects.create_p95_ms', value: toPercentile(first, 95), unit: 'ms' })
  metrics.push(...(await measureDashboard(server)))

  let made = 1 + SAMPLES
  for (const count of [50, PROJECTS]) {
    for (; made < count; made++) await createApp(server, `bench ${made}`)
    await settle()
    metrics.push({
      metric: `projects.idle_bytes_${count}`,
      value: (memoryOf(server.processes()) - empty.memory) / count,
      unit: 'bytes per project',
    })
    metrics.push({ metric: `projects.idle_disk_${count}`, value: (diskOf(server.folder) - empty.disk) / count, unit: 'bytes per project' })
  }
  metrics.push({ ...metrics.find(({ metric }) => metric === `projects.idle_bytes_${PROJECTS}`)!, metric: 'projects.idle_bytes' })

  const late = await sample(SAMPLES, async () => (await settleWarmPool(), createAndAsk(server)))
  metrics.push({
    metric: 'projects.create_at_200_ms',
    value: toMedian(late),
    unit: 'ms',
    against: 'creating at none',
    ratio: toMedian(late) / toMedian(first),
  })
  const doomed = (await server.polder.projects.list()).slice(0, SAMPLES)
  const deletions: number[] = []
  for (const { ref, name } of doomed) {
    deletions.push(
      await timeOf(async () => {
        const operation = await server.polder.project(ref).projects.delete({ name })
        await server.polder.waitForOperation(operation.id)
      }),
    )
  }
  metrics.push({ metric: 'projects.delete_p50_ms', value: toMedian(deletions), unit: 'ms' })
  const starts: number[] = []
  for (let i = 0; i < 3; i++) starts.push(await server.restart())
  metrics.push({ metric: 'projects.start_warm_ms', value: toMedian(starts), unit: 'ms' })
  return metrics
}

/** From the call that creates a project to the first answer of its data API. */
async function createAndAsk(server: BenchServer): Promise<number> {
  const start = performance.now()
  const { url, anonKey } = await createApp(server, 'bench')
  const answer = await fetch(`${url}/rest/v1/`, { headers: { apikey: anonKey } })
  await answer.arrayBuffer()
  if (!answer.ok) throw new Error(`the new project's data API answered ${answer.status}`)
  return performance.now() - start
}

async function sample(count: number, work: () => Promise<number>): Promise<number[]> {
  const values: number[] = []
  for (let i = 0; i < count; i++) values.push(await work())
  return values
}

/** Long enough for the warm pool to be full again: what is measured is a create from it. */
const settleWarmPool = () => new Promise((resolve) => setTimeout(resolve, 400))

/** Long enough for idle connections to close. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 6000))

const diskOf = (folder: string) => Number(execFileSync('du', ['-sk', '--', folder], { encoding: 'utf8' }).split('\t')[0]) * 1024
