import { ServiceError, type EdgeFunction, type Schedule, type ScheduleInput, type ScheduleRun } from '@polder/core'
import type { PlatformDatabase, ProjectScope } from '@polder/db'
import { parseCron } from './cron.ts'
import type { InTransaction } from './deploy-function.ts'
import { countSchedules, deleteSchedule, insertSchedule, selectScheduleRuns, selectSchedules, updateSchedule } from './queries/schedules.ts'

const MAX_SCHEDULES = 50

/** What can be done with a project's schedules; who runs them is the server's jobs. */
export function createFunctionSchedules(
  platform: PlatformDatabase,
  getFunction: (project: ProjectScope, name: string) => Promise<EdgeFunction>,
) {
  async function getSchedule(project: ProjectScope, id: string): Promise<Schedule> {
    const found = (await selectSchedules(platform, project.ref)).find((each) => each.id === id)
    if (found === undefined) throw new ServiceError('functions.schedule_not_found')
    return found
  }

  return {
    listSchedules: (project: ProjectScope): Promise<Schedule[]> => selectSchedules(platform, project.ref),

    /** Throws `functions.schedule_invalid` and `functions.not_found`. */
    async createSchedule(project: ProjectScope, input: ScheduleInput, also?: InTransaction): Promise<Schedule> {
      const nextAt = toNextRun(input)
      await getFunction(project, input.name)
      const id = await platform.transaction().execute(async (tx) => {
        const made = await insertSchedule(tx, project.ref, input, nextAt)
        if ((await countSchedules(tx, project.ref)) > MAX_SCHEDULES) throw new ServiceError('functions.limit_reached')
        await also?.(tx)
        return made
      })
      return getSchedule(project, id)
    },

    async updateSchedule(project: ProjectScope, id: string, input: ScheduleInput, also?: InTransaction): Promise<Schedule> {
      const nextAt = toNextRun(input)
      await getFunction(project, input.name)
      await platform.transaction().execute(async (tx) => {
        if (!(await updateSchedule(tx, project.ref, id, input, nextAt))) throw new ServiceError('functions.schedule_not_found')
        await also?.(tx)
      })
      return getSchedule(project, id)
    },

    async deleteSchedule(project: ProjectScope, id: string, also?: InTransaction): Promise<void> {
      await platform.transaction().execute(async (tx) => {
        if (!(await deleteSchedule(tx, project.ref, id))) throw new ServiceError('functions.schedule_not_found')
        await also?.(tx)
      })
    },

    async listScheduleRuns(project: ProjectScope, id: string): Promise<ScheduleRun[]> {
      await getSchedule(project, id)
      return selectScheduleRuns(platform, project.ref, id)
    },
  }
}

function toNextRun({ cron, timeZone, isEnabled }: ScheduleInput): Date | null {
  const next = parseCron(cron, timeZone).next(new Date())
  if (next === undefined) throw new ServiceError('functions.schedule_invalid', { message: 'No such day comes within four years.' })
  return isEnabled ? next : null
}
