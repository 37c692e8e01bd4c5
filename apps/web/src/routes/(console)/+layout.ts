import { redirect } from '@sveltejs/kit'
import type { LayoutLoad } from './$types'

export const load: LayoutLoad = async ({ parent, url }) => {
  const { studio } = await parent()
  // Three answers in one call; whoever was signed in the last time sees the page before they are here.
  const answers = Promise.all([studio.account.ask(), studio.organizations.ask(), studio.projects.ask()])
  if (!studio.wasSignedIn) {
    await answers
    if (studio.isSignedOut) redirect(307, `/sign-in?next=${encodeURIComponent(url.pathname + url.search)}`)
  }
  return {}
}
