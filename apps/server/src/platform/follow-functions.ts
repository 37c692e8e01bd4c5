import type { FunctionsAdapter } from '@polder/adapters/functions'
import type { PlatformEvents } from '@polder/db'

/** Lets functions run by what was changed in any process: at most one call later. */
export function followFunctions(
  events: Pick<PlatformEvents, 'subscribe'>,
  functions: Pick<FunctionsAdapter, 'forget' | 'forgetAll' | 'release'>,
): void {
  events.subscribe((event) => {
    if (event.type === 'functions_changed') functions.forget(event.ref)
    // Its keys or limits may be others now.
    else if (event.type === 'project_changed') functions.forget(event.ref)
    else if (event.type === 'project_removed') functions.release(event.ref)
    else if (event.type === 'resync') functions.forgetAll()
  })
}
