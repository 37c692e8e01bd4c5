import { rm } from 'node:fs/promises'
import { projectRefSchema, type ProjectRef } from '@polder/core'
import { deleteProject, selectProject, updateProjectStatus, type PlatformDatabase, type PlatformEvents, type Provisioner } from '@polder/db'
import type { OperationPlan } from './operation-plan.ts'

export interface DeleteProjectDependencies {
  platform: PlatformDatabase
  provisioner: Provisioner
  events: PlatformEvents
  projectFolder(ref: string): string
  unregister(ref: ProjectRef): Promise<void>
  /** Removes its files from where they are kept. */
  removeFiles(ref: ProjectRef): Promise<void>
  removeLogs(ref: ProjectRef): Promise<void>
}

interface Context {
  ref: ProjectRef
}

/** How a project is deleted: what is gone stays gone, and a failure can be tried again. */
export function planDeleteProject(parts: DeleteProjectDependencies): OperationPlan<Context> {
  const { platform, provisioner, events } = parts
  return {
    kind: 'project.delete',
    isUndone: false,
    stages: [
      [{ name: 'router', title: 'Stop answering requests', run: ({ ref }) => parts.unregister(ref) }],
      [{ name: 'database', title: 'Drop the database', run: ({ ref }) => provisioner.dropDatabase(ref) }],
      [
        { name: 'roles', title: 'Drop the database roles', run: ({ ref }) => provisioner.dropRoles(ref) },
        { name: 'files', title: 'Remove the files', run: ({ ref }) => parts.removeFiles(ref) },
        { name: 'folders', title: 'Remove the folders', run: ({ ref }) => rm(parts.projectFolder(ref), { recursive: true, force: true }) },
        { name: 'logs', title: 'Forget the log', run: ({ ref }) => parts.removeLogs(ref) },
      ],
    ],
    async open(operation) {
      const project = await selectProject(platform, operation.ref)
      return project && { ref: projectRefSchema.parse(operation.ref) }
    },
    async succeed(tx, { ref }) {
      await deleteProject(tx, ref)
      await events.publish({ type: 'project_removed', ref }, tx)
    },
    async fail(tx, { ref }, error) {
      await updateProjectStatus(tx, ref, 'failed', { reason: error.message, retryable: false })
      await events.publish({ type: 'project_changed', ref }, tx)
    },
  }
}
