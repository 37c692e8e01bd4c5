import type { ClientConfig } from 'pg'

/** Where one Postgres server listens. The platform's own connections use the socket folder when there is one. */
export interface ServerAddress {
  /** TCP host, as tools of people use it. */
  host: string
  port: number
  /** Folder of the unix socket, reachable by this process only. */
  socketFolder?: string
}

/** The address as `pg` wants it. */
export function toClientConfig(address: ServerAddress): Pick<ClientConfig, 'host' | 'port'> {
  return { host: address.socketFolder ?? address.host, port: address.port }
}
