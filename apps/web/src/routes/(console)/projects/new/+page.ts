import type { PageLoad } from './$types'

export const load: PageLoad = async ({ parent }) => {
  const { studio } = await parent()
  void studio.clusters.ask()
  return { organizations: studio.organizations, clusters: studio.clusters }
}
