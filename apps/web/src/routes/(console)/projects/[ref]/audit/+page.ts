import type { PageLoad } from './$types'

export const load: PageLoad = async ({ parent }) => {
  const { project } = await parent()
  const first = project.auditEntries()
  void first.ask()
  return { first }
}
