import type { LayoutLoad } from './$types'

export const load: LayoutLoad = async ({ parent }) => {
  const { studio } = await parent()
  return { installation: studio.installation }
}
