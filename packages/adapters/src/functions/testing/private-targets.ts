import os from 'node:os'

/** 42 ways to write an address that no function may reach, and where each stands in the list; the port is one that listens on this machine. */
export function listTargets(port: number): [url: string, at: number][] {
  const own = Object.values(os.networkInterfaces())
    .flatMap((list) => list ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)
  const hosts = [
    ...[
      '127.0.0.1',
      '127.1',
      '127.0.1',
      '127.0.0.2',
      '127.255.255.254',
      '2130706433',
      '0x7f000001',
      '0x7f.1',
      '017700000001',
      '0177.0.0.1',
    ],
    ...['0', '0.0.0.0', 'localhost', 'LOCALHOST', 'localhost.', 'ip6-localhost', '[::1]', '[::]', '[0:0:0:0:0:0:0:1]'],
    ...['[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[::127.0.0.1]', '[64:ff9b::7f00:1]', '[2002:7f00:1::]', '①②⑦.⓪.⓪.①', '127。0。0。1'],
    ...['10.0.0.1', '172.16.0.1', '192.168.0.1', '100.64.0.1', '169.254.169.254', '[fe80::1]', '[fc00::1]', '[fd00:ec2::254]'],
    ...['198.18.0.1', '224.0.0.1', '255.255.255.255', '240.0.0.1', '192.0.0.192', '[ff02::1]', own?.address ?? '127.0.0.3'],
  ]
  return [...hosts.map((host) => `http://${host}:${port}/`), `https://127.0.0.1:${port}/`].map((url, at) => [url, at])
}
