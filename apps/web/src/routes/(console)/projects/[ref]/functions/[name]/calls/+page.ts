import type { PageLoad } from './$types'

export const load: PageLoad = async ({ parent, params, url }) => {
  const { functions } = await parent()
  const onlyErrors = url.searchParams.get('only') === 'errors'
  const calls = functions.invocations(params.name, onlyErrors)
  void calls.ask()
  return { calls, onlyErrors }
}
