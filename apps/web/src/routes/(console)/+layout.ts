import { redirect } from '@sveltejs/kit'
import type { LayoutLoad } from './$types'

export const load: LayoutLoad = async ({ parent, url }) => {
  const { studio } = await parent()
  if (!studio.hasSession) redirect(307, `/sign-in?next=${encodeURIComponent(url.pathname + url.search)}`)
  // Three answers in one call; the page is drawn before they are here.
  void studio.account.ask()
  void studio.organizations.ask()
  void studio.projects.ask()
}
