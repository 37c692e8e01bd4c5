import type { PageLoad } from './$types'

export const load: PageLoad = async ({ parent }) => {
  const { studio } = await parent()
  void studio.projects.ask()
  return { projects: studio.projects, organizations: studio.organizations }
}
