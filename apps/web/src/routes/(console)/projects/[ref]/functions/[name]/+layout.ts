import type { LayoutLoad } from './$types'

export const load: LayoutLoad = async ({ parent, params }) => {
  const { functions } = await parent()
  void functions.list.ask()
  return { name: params.name }
}
