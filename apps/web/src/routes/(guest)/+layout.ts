import type { LayoutLoad } from './$types'

export const ssr = false

export const load: LayoutLoad = async ({ parent }) => {
  const { studio } = await parent()
  return { installation: studio.installation }
}
