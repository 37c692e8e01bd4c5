import { openClient } from '#lib/client.ts'
import { Studio } from '#lib/data/studio.svelte.ts'

export const ssr = false

/** Runs once a tab: every page below shares this studio. */
export const load = () => ({ studio: new Studio(openClient()) })
