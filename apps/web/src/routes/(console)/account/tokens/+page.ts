import type { PageLoad } from './$types'

export const load: PageLoad = async ({ parent }) => {
  const { studio } = await parent()
  const tokens = studio.cache.query('account:tokens', () => studio.client.account.listTokens())
  void tokens.ask()
  return { tokens }
}
