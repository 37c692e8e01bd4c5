import type { PageLoad } from './$types'

export const load: PageLoad = async ({ parent, params }) => {
  const { functions } = await parent()
  const source = functions.source(params.name)
  void source.ask()
  return { source }
}
