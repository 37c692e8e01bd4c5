import { OrganizationData } from '#lib/data/organization-data.ts'
import type { LayoutLoad } from './$types'

export const load: LayoutLoad = async ({ parent, params }) => {
  const { studio } = await parent()
  void studio.organizations.ask()
  return { organization: new OrganizationData(studio, params.org) }
}
