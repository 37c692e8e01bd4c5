import type { AppRouter } from '@polder/server/router'
import type { ApiOf } from './api-of.ts'

export type { ErrorCode } from '@polder/core'

/** Every procedure of the server, by service and name. The published declarations have it written out. */
export type Api = ApiOf<AppRouter>
