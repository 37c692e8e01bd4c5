import type { PageLoad } from './$types'

export const load: PageLoad = async ({ parent, params }) => {
  const { functions } = await parent()
  const versions = functions.versions(params.name)
  void versions.ask()
  return { versions }
}
