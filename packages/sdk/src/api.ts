import type { AppRouter } from '@polder/server/router'
import type { ApiOf } from './api-of.ts'

/** Every procedure of the server, by service and name. The published declarations have it written out. */
export type Api = ApiOf<AppRouter>
