import { existsSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

type NodeHandler = (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void

/** Answers everything that is not an API; calls `next` for what it does not have. */
export type Dashboard = NodeHandler

/** An answer of this server's own API, had without a socket. */
export interface InnerAnswer {
  status: number
  body: string
}

/** Reads a path of /trpc for the one who made the request; nothing but reading. */
export type AskApi = (path: string) => Promise<InnerAnswer>

/** Under which the dashboard's renderer finds `AskApi` at the request that it answers. */
export const ASK_API = Symbol.for('polder.askApi')

const BUILT = path.resolve(import.meta.dirname, '../../web/build/handler.js')

/** The built dashboard, or undefined when it was not built. */
export async function openDashboard(file = BUILT): Promise<Dashboard | undefined> {
  if (!existsSync(file)) return undefined
  const { handler } = (await import(pathToFileURL(file).href)) as { handler: NodeHandler }
  return handler
}
