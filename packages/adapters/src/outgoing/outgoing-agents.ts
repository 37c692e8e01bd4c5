import { ServiceError } from '@polder/core'
import { Agent, type Dispatcher } from 'undici'
import type { AddressGuard } from './address-guard.ts'

/** Connections to addresses that the guard allows, for whoever sends and reads as streams. */
export interface OutgoingAgents {
  /** For names only: a literal address is never looked up, so whoever takes this has asked the guard before. */
  for(port: number): Dispatcher
  /** Asks the guard for the URL's address first. Throws `outgoing.url_invalid`, `outgoing.address_blocked` or `outgoing.unreachable`. */
  open(url: URL): Promise<{ dispatcher: Dispatcher }>
  close(): Promise<void>
}

/** Ports of services that are no HTTP: what is sent there could be read as commands. */
const LOWEST_FREE_PORT = 1024
const MAX_AGENTS = 64

/** Opens connections when they are needed and keeps them for a few seconds. */
export function createOutgoingAgents(guard: AddressGuard): OutgoingAgents {
  const agents = new Map<number, Agent>()

  // One for each port, because the guard's answer can depend on it and undici does not tell its look-up.
  function agentFor(port: number): Agent {
    let agent = agents.get(port)
    if (agent === undefined) {
      const oldest = agents.size >= MAX_AGENTS ? agents.entries().next().value : undefined
      if (oldest !== undefined) {
        agents.delete(oldest[0])
        oldest[1].close().catch(() => {})
      }
      agent = new Agent({
        connect: { lookup: guard.lookupFor(port), timeout: 5_000 },
        keepAliveTimeout: 4_000,
        connections: 64,
        maxHeaderSize: 16_384,
        allowH2: false,
      })
      agents.set(port, agent)
    }
    return agent
  }

  return {
    for: agentFor,
    async open(url) {
      const isHttp = url.protocol === 'https:' || url.protocol === 'http:'
      const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80))
      if (!isHttp || url.username !== '' || url.password !== '' || (port < LOWEST_FREE_PORT && port !== 80 && port !== 443)) {
        throw new ServiceError('outgoing.url_invalid')
      }
      // A name is judged again when it is connected to.
      await guard.resolve(url.hostname, port)
      return { dispatcher: agentFor(port) }
    },
    async close() {
      await Promise.all([...agents.values()].map((agent) => agent.destroy()))
    },
  }
}
