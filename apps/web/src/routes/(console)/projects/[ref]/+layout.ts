import { ProjectData } from '#lib/data/project-data.ts'
import type { LayoutLoad } from './$types'

export const load: LayoutLoad = async ({ parent, params }) => {
  const { studio } = await parent()
  const project = new ProjectData(studio, params.ref)
  project.open()
  return { project }
}
