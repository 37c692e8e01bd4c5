import type { PageLoad } from './$types'

export const ssr = true

export const load: PageLoad = async ({ parent, url }) => {
  const { studio } = await parent()
  await studio.draw(url, studio.projects)
  return { projects: studio.projects, organizations: studio.organizations }
}
