import { createServer } from 'node:net'

/** The first port from the wanted one on that nothing listens on, on loopback. Throws one clear line when there is none. */
export async function findFreePort(wanted: number, attempts = 100): Promise<number> {
  for (let port = wanted; port < wanted + attempts && port < 65_536; port += 1) {
    if (await isFree(port)) return port
  }
  throw new Error(`No port from ${wanted} to ${wanted + attempts - 1} is free for Postgres: set POLDER_POSTGRES_PORT.`)
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => resolve(true)))
  })
}
