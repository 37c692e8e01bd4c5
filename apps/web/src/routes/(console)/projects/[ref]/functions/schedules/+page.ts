import type { PageLoad } from './$types'

export const load: PageLoad = async ({ parent }) => {
  const { functions } = await parent()
  void functions.schedules.ask()
  void functions.list.ask()
}
