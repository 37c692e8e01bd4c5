import type { PageLoad } from './$types'

export const load: PageLoad = async ({ parent, url }) => {
  const { project } = await parent()
  void project.tables.ask()
  return { tables: project.tables, search: url.searchParams.get('search') ?? '' }
}
