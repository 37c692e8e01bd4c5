import { expect, test } from 'vitest'
import { openTestCluster } from './test-cluster.ts'

test('a test gets a platform of its own and real projects, and leaves nothing', async () => {
  let name: string
  {
    await using cluster = await openTestCluster()
    const [alpha, beta] = [await cluster.createProject(), await cluster.createProject({ name: 'Beta' })]
    await alpha.runAsOwner('create table notes (body text)')
    expect((await beta.runAsOwner(`select to_regclass('public.notes') as found`)).rows).toEqual([{ found: null }])
    expect(await cluster.platform.selectFrom('projects').select('ref').orderBy('created_at').execute()).toEqual([
      { ref: alpha.ref },
      { ref: beta.ref },
    ])
    name = alpha.ref
  }
  await using after = await openTestCluster()
  const { rows } = await after.control.query(`select from pg_roles where rolname like 'project_' || $1 || '%'`, [name])
  expect(rows).toEqual([])
})
