import { toSignInPath } from '#lib/format/next-path.ts'
import { redirect } from '@sveltejs/kit'
import type { LayoutLoad } from './$types'

/**
 * The console is drawn by the browser, except for pages that say otherwise and are ready to be drawn by the server too.
 * Not a literal: the build would take this file's load for the browser's alone.
 */
export const ssr = ((): boolean => false)()

export const load: LayoutLoad = async ({ parent, url }) => {
  const { studio } = await parent()
  if (!studio.hasSession) redirect(307, toSignInPath(url))
  // Three answers in one call; the page is drawn before they are here.
  void studio.account.ask()
  void studio.organizations.ask()
  void studio.projects.ask()
}
