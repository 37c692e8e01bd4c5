import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { createSecretBox, selectProjectSecrets, upsertProjectSecrets, type ProjectScope, type SecretBox } from '@polder/db'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DeployStep } from './deploy-function.ts'
import type { DyingDeployOrder } from './testing/dying-deploy.ts'
import { openTestFunctions, toSource, type TestFunctions } from './testing/test-functions.ts'

let stage: TestFunctions
let project: ProjectScope
let boxKey: Buffer

const STEPS: DeployStep[] = ['bundled', 'saved', 'booted', 'written', 'flipped', 'adopted']
const answering = (text: string) => `Deno.serve(() => new Response('${text}'))`

beforeAll(async () => {
  boxKey = randomBytes(32)
  const box: SecretBox = createSecretBox(boxKey)
  stage = await openTestFunctions({ box })
  const made = await stage.cluster.createProject()
  const { platform } = stage.cluster
  project = await made.member('functions.write', 'owner')
  // Sealed anew, so that a process of its own can open them.
  await upsertProjectSecrets(platform, box, made.ref, await selectProjectSecrets(platform, stage.cluster.box, made.ref))
  await stage.deploy(project, 'step', answering('version 1'))
})
afterAll(() => stage?.[Symbol.asyncDispose]())

async function dieAt(step: DeployStep, code: string): Promise<void> {
  const order: DyingDeployOrder = {
    platform: stage.cluster.platformConnection as DyingDeployOrder['platform'],
    boxKey: boxKey.toString('base64'),
    folder: stage.folder,
    ref: project.ref,
    configuration: project.configuration,
    source: toSource(code),
    dieAt: step,
  }
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'testing/dying-deploy.ts')], { stdio: ['pipe', 'ignore', 'pipe'] })
  let errors = ''
  child.stderr.on('data', (chunk) => (errors += String(chunk)))
  child.stdin.end(JSON.stringify(order))
  const [code_, signal] = (await once(child, 'exit')) as [number | null, string | null]
  expect([errors, code_, signal]).toEqual([expect.any(String), null, 'SIGKILL'])
}

describe('a server that dies while it deploys leaves the old version or the new one serving', () => {
  let serving = 1
  test.each(STEPS)('%s', { timeout: 30_000 }, async (step) => {
    await dieAt(step, answering(`killed at ${step}`))
    stage.functions.forget(project.ref)
    const { version } = await stage.functions.getFunction(project, 'step')
    const hasFlipped = step === 'flipped' || step === 'adopted'
    expect(version).toBe(hasFlipped ? serving + 1 : serving)
    expect((await stage.call(project, 'step')).body).toBe(
      hasFlipped ? `killed at ${step}` : serving === 1 ? 'version 1' : expect.any(String),
    )
    serving = version
  })

  test('and the next deploy works, and clears what was left', async () => {
    const { version, id } = await stage.deploy(project, 'step', answering('after all'))
    expect((await stage.call(project, 'step')).body).toBe('after all')
    const known = (await stage.functions.listVersions(project, 'step')).map((each) => String(each.version))
    await new Promise((resolve) => setTimeout(resolve, 200))
    const kept = (await readdir(path.join(stage.folder, 'projects', project.ref, 'functions', id))).filter((name) => /^\d+$/.test(name))
    expect(kept.toSorted()).toEqual(known.toSorted())
    expect(known).toContain(String(version))
  })
})

test('deploys at the same time follow each other', async () => {
  const made = await Promise.all(Array.from({ length: 4 }, (_, at) => stage.deploy(project, 'race', answering(`race ${at}`))))
  expect(made.map(({ version }) => version).toSorted()).toEqual([1, 2, 3, 4])
  expect((await stage.call(project, 'race')).body).toBe('race 3')
})

test('a deploy of a small function, with the process it is tried in, takes less than a second', async () => {
  const times: number[] = []
  for (let at = 0; at < 5; at += 1) {
    const started = performance.now()
    await stage.deploy(project, 'quick', answering(`quick ${at}`))
    times.push(performance.now() - started)
  }
  // On a machine that does other things as well, one of five is enough to show it.
  expect(Math.min(...times)).toBeLessThan(1000)
})

test('no more than twenty versions are kept, and the one that serves always is', async () => {
  await stage.functions.rollBack(project, 'quick', 1)
  for (let at = 0; at < 3; at += 1) await stage.deploy(project, 'quick', answering(`more ${at}`))
  const versions = await stage.functions.listVersions(project, 'quick')
  expect(versions.length).toBeLessThanOrEqual(21)
  expect(versions.filter(({ isServing }) => isServing)).toHaveLength(1)
})
