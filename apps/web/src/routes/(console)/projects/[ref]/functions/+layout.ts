import { FunctionsData } from './functions-data.ts'
import type { LayoutLoad } from './$types'

export const load: LayoutLoad = async ({ parent }) => {
  const { studio, project } = await parent()
  return { functions: new FunctionsData(studio, project) }
}
