import type { PageLoad } from './$types'

export const load: PageLoad = async ({ parent }) => {
  const { studio } = await parent()
  const sessions = studio.cache.query('account:sessions', () => studio.client.account.listSessions())
  void sessions.ask()
  return { sessions }
}
