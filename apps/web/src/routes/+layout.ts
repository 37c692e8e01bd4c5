import { browser } from '$app/env'
import { openClient } from '#lib/client.ts'
import { Studio } from '#lib/data/studio.svelte.ts'
import type { LayoutLoad } from './$types'

/** Runs once a tab, and once for each page that the server draws: every page below shares this studio. */
export const load: LayoutLoad = ({ fetch }): { studio: Studio } => {
  // What the server read for its drawing is in the page; once it is taken over, calls go out as usual.
  const isDrawn = !browser || document.querySelector('script[data-sveltekit-fetched]') !== null
  const studio: Studio = new Studio(
    openClient((address, init) => (studio.isLive ? globalThis.fetch : fetch)(address, init)),
    { hasSession: !browser || document.documentElement.dataset['session'] === 'yes', isLive: !isDrawn },
  )
  return { studio }
}
