import type { PageLoad } from './$types'

export const load: PageLoad = async ({ parent }) => {
  const { studio, project } = await parent()
  void project.tables.ask()
  // Tabs are kept by account.
  const account = await studio.account.ask()
  return { tables: project.tables, accountId: account.current?.id ?? '' }
}
