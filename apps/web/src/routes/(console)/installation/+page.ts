import type { PageLoad } from './$types'

export const load: PageLoad = async ({ parent }) => {
  const { studio } = await parent()
  void studio.installation.ask()
  void studio.clusters.ask()
  return { installation: studio.installation, clusters: studio.clusters }
}
