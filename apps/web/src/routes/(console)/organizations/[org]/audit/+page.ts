import type { PageLoad } from './$types'

export const load: PageLoad = async ({ parent }) => {
  const { organization } = await parent()
  const first = organization.auditEntries()
  void first.ask()
  return { first }
}
