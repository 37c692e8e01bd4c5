import type { IncomingMessage } from 'node:http'

declare global {
  interface ImportMetaEnv {
    /** Where `npm run dev` has the server. */
    readonly POLDER_DEV_SERVER: string
  }
  namespace App {
    interface Error {
      message: string
      requestId?: string
    }
    interface Platform {
      /** The server leaves at it how the renderer reads its API (apps/server/src/dashboard.ts). */
      req: IncomingMessage & { [name: symbol]: ((path: string) => Promise<{ status: number; body: string }>) | undefined }
    }
  }
}

export {}
