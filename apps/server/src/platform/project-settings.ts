import { projectSettingsSchema, ServiceError, type ConfigurableService, type ProjectSettings } from '@polder/core'
import {
  insertAuditEntry,
  selectProjectForUpdate,
  selectProjectSettings,
  updateProjectSettings,
  type PlatformDatabase,
  type PlatformEvents,
} from '@polder/db'
import type { Actor } from './actor.ts'

export interface ProjectSettingsDependencies {
  platform: PlatformDatabase
  events: Pick<PlatformEvents, 'publish'>
}

/** A project's settings, by service. Who may is checked before, by the procedure. */
export function createProjectSettings({ platform, events }: ProjectSettingsDependencies) {
  return {
    /** The service's settings, complete. */
    async get<Service extends ConfigurableService>(ref: string, service: Service): Promise<ProjectSettings[Service]> {
      const settings = await selectProjectSettings(platform, ref)
      if (!settings) throw new ServiceError('project.not_found')
      return projectSettingsSchema.parse(settings)[service]
    },

    /**
     * Changes some of a service's settings; every process serves by them from the next request on. The audit log keeps which were
     * changed, not to what. A function gets the settings as they are, and nobody changes them meanwhile.
     */
    async update<Service extends ConfigurableService>(
      actor: Actor,
      ref: string,
      service: Service,
      change: Partial<ProjectSettings[Service]> | ((settings: ProjectSettings[Service]) => Partial<ProjectSettings[Service]>),
    ): Promise<ProjectSettings[Service]> {
      return platform.transaction().execute(async (tx) => {
        const project = await selectProjectForUpdate(tx, ref)
        const settings = await selectProjectSettings(tx, ref)
        if (!project || !settings) throw new ServiceError('project.not_found')
        const changes = typeof change === 'function' ? change(projectSettingsSchema.parse(settings)[service]) : change
        const changed = { ...settings, [service]: { ...settings[service], ...changes } }
        const complete = projectSettingsSchema.parse(changed)[service]
        await updateProjectSettings(tx, ref, changed)
        const details = { service, changed: Object.keys(changes) }
        const { organizationId } = project
        await insertAuditEntry(tx, { actor, organizationId, ref, action: 'settings.update', target: service, details })
        await events.publish({ type: 'project_changed', ref }, tx)
        return complete
      })
    },
  }
}
