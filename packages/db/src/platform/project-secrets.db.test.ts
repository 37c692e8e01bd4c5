import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestCluster, type TestCluster, type TestProject } from '../testing/test-cluster.ts'
import { deleteProjectSecret, selectProjectSecrets, upsertProjectSecrets } from './project-secrets.ts'
import { createSecretBox } from './secret-box.ts'

let cluster: TestCluster
let project: TestProject
let other: TestProject

beforeAll(async () => {
  cluster = await openTestCluster()
  ;[project, other] = await Promise.all([cluster.createProject(), cluster.createProject()])
})

afterAll(async () => {
  await cluster[Symbol.asyncDispose]()
})

const read = (ref: string) => selectProjectSecrets(cluster.platform, cluster.box, ref)

test('secrets are replaced by name, read in clear, and nowhere in clear in the database', async () => {
  await upsertProjectSecrets(cluster.platform, cluster.box, project.ref, { first_user: 'first-secret-text', jwt_secret: project.jwtSecret })
  await upsertProjectSecrets(cluster.platform, cluster.box, project.ref, { first_user: 'second-secret-text' })
  await upsertProjectSecrets(cluster.platform, cluster.box, project.ref, {})
  expect(await read(project.ref)).toMatchObject({ first_user: 'second-secret-text', jwt_secret: project.jwtSecret })
  const { rows } = await cluster.control.query<{ all: string }>(
    `select string_agg(encode(value, 'escape'), '') as all from project_secrets`,
  )
  for (const secret of ['second-secret-text', project.jwtSecret, project.keys.secretKey]) expect(rows[0]?.all).not.toContain(secret)
  expect(await deleteProjectSecret(cluster.platform, project.ref, 'first_user')).toBe(true)
  expect(await deleteProjectSecret(cluster.platform, project.ref, 'first_user')).toBe(false)
  expect(await read(project.ref)).not.toHaveProperty('first_user')
  expect(await read('no-such-project')).toEqual({})
})

test('rows swapped between projects or names are refused, and so is another master key', async () => {
  const swap = (where: string) =>
    cluster.control.query(
      `
    update project_secrets a set value = b.value from project_secrets b where ${where}`,
      [],
    )
  const before = await cluster.platform.selectFrom('project_secrets').selectAll().execute()
  const restore = async () => {
    for (const row of before)
      await cluster.platform
        .updateTable('project_secrets')
        .set({ value: row.value })
        .where('ref', '=', row.ref)
        .where('name', '=', row.name)
        .execute()
  }
  await swap(`a.ref = '${project.ref}' and b.ref = '${other.ref}' and a.name = 'jwt_secret' and b.name = 'jwt_secret'`)
  await expect(read(project.ref)).rejects.toMatchObject({ code: 'project.secret_unreadable' })
  await restore()
  await swap(`a.ref = '${project.ref}' and b.ref = a.ref and a.name = 'anon_key' and b.name = 'service_role_key'`)
  await expect(read(project.ref)).rejects.toMatchObject({ code: 'project.secret_unreadable' })
  // the project is refused as a whole, rather than served with half its secrets
  const open = cluster.router.validateProjectAccess(project.ref, { kind: 'app', apiKey: project.keys.anonKey, authorization: undefined })
  await expect(open).rejects.toMatchObject({ code: 'project.secret_unreadable' })
  await restore()
  await expect(selectProjectSecrets(cluster.platform, createSecretBox(randomBytes(32)), project.ref)).rejects.toMatchObject({
    code: 'project.secret_unreadable',
  })
  expect((await read(project.ref)).anon_key).toBe(project.keys.anonKey)
})
