/** Code that tries to get out of its process. It succeeds if it returns; what it returns must then be worth nothing. */
export interface Attack {
  name: string
  code: string
  /** For what runs without doing harm: the answers that show it. */
  isHarmless?: (result: string) => boolean
}

/** Where the targets of the attacks are on this machine. */
export interface AttackTargets {
  /** A file whose text is the canary, a module and a JSON file that export it, and a link to it. */
  folder: string
  canary: string
  /** Port of a server on this machine that nobody may reach. */
  port: number
  /** The process of another project, and the folder with its sockets. */
  otherPid: number
  otherFolder: string
  platformPid: number
}

/** Modules as a tenant could force them on the runtime, past the bundler. */
export function listImportAttacks({ folder, port }: AttackTargets): Attack[] {
  const serve = 'Deno.serve(() => new Response(String(found)))'
  const statically = (what: string) => `import found from ${what}; ${serve}`
  const dynamically = (what: string) => `const found = JSON.stringify(await import(${what})); ${serve}`
  const inWorker = (code: string) =>
    `const worker = new Worker(URL.createObjectURL(new Blob([${JSON.stringify(code)}], { type: 'text/javascript' })), { type: 'module' })
     const found = await new Promise((resolve, reject) => { worker.onmessage = (e) => resolve(e.data); worker.onerror = (e) => { e.preventDefault(); reject(e.message) } }); ${serve}`
  const file = JSON.stringify(`${folder}/canary.txt`)
  return [
    { name: 'a file as text', code: statically(`${file} with { type: 'text' }`) },
    { name: 'a file as bytes', code: statically(`${file} with { type: 'bytes' }`) },
    { name: 'a file as JSON', code: statically(`${JSON.stringify(`${folder}/canary.json`)} with { type: 'json' }`) },
    { name: 'a module of somebody else', code: statically(JSON.stringify(`${folder}/canary.ts`)) },
    { name: 'a file that is no module', code: statically(file) },
    { name: 'a file by its URL', code: statically(`${JSON.stringify(`file://${folder}/canary.txt`)} with { type: 'text' }`) },
    { name: 'a file by a link', code: statically(`${JSON.stringify(`${folder}/link.txt`)} with { type: 'text' }`) },
    { name: '/etc/passwd as text', code: statically(`"/etc/passwd" with { type: 'text' }`) },
    { name: 'the environment of the process', code: statically(`"/proc/self/environ" with { type: 'text' }`) },
    { name: 'a file, dynamically', code: dynamically(`${file}, { with: { type: 'text' } }`) },
    { name: 'a module, dynamically', code: dynamically(JSON.stringify(`${folder}/canary.ts`)) },
    { name: 'a file by a name that is worked out', code: dynamically(`[...${JSON.stringify(`${folder}/canary.ts`)}].join('')`) },
    { name: 'a relative file', code: dynamically(`'../..${folder}/canary.ts'`) },
    { name: 'a file by a data URL', code: dynamically(JSON.stringify(`data:text/javascript,export{default}from"file://${folder}/canary.ts"`)) },
    { name: 'a module over the network', code: statically(JSON.stringify(`http://127.0.0.1:${port}/module.js`)) },
    { name: 'a module of deno.land', code: statically('"https://deno.land/std@0.224.0/version.ts"') },
    { name: 'a package of npm', code: statically('"npm:is-odd@3.0.1"') },
    { name: 'a package of JSR', code: statically('"jsr:@std/assert@1"') },
    { name: 'require', code: `import { createRequire } from 'node:module'; const found = createRequire('file:///')(${JSON.stringify(`${folder}/canary.json`)}); ${serve}` },
    { name: 'a worker that imports a file', code: inWorker(`import found from ${file} with { type: 'text' }; postMessage(found)`) },
    { name: 'a worker that is a file', code: `const worker = new Worker(${JSON.stringify(`file://${folder}/canary.ts`)}, { type: 'module' }); const found = await new Promise((resolve, reject) => { worker.onerror = (e) => { e.preventDefault(); reject(e.message) }; setTimeout(() => reject('silent'), 300) }); ${serve}` },
    { name: 'a worker with more rights', code: `const worker = new Worker(URL.createObjectURL(new Blob(['postMessage(1)'])), { type: 'module', deno: { permissions: { read: true, run: true, net: true } } }); const found = 'started'; ${serve}` },
    { name: 'importScripts in a worker', code: inWorker(`try { importScripts(${JSON.stringify(`file://${folder}/canary.ts`)}) ; postMessage('ran') } catch (e) { throw e }`) },
  ] // prettier-ignore
}

/** Statements that are run inside of a function that serves already. */
export function listRunningAttacks({ folder, port, otherPid, otherFolder, platformPid }: AttackTargets): Attack[] {
  const file = JSON.stringify(`${folder}/canary.txt`)
  const own = `'/run/stolen-' + Math.random()`
  return [
    // Files
    { name: 'read a file', code: `return Deno.readTextFileSync(${file})` },
    { name: 'read a file by node', code: `return (await import('node:fs')).readFileSync(${file}, 'utf8')` },
    { name: 'read a file by node’s promises', code: `return await (await import('node:fs/promises')).readFile(${file}, 'utf8')` },
    { name: 'open a file', code: `return (await Deno.open(${file})).readable` },
    { name: 'look at a file', code: `return Deno.statSync(${file}).size` },
    { name: 'list the root', code: `return [...Deno.readDirSync('/')].map((e) => e.name).join()` },
    { name: 'list the folder of all processes’ sockets', code: `return [...Deno.readDirSync(${JSON.stringify(otherFolder)})].map((e) => e.name).join()` },
    { name: 'make a link to a file', code: `const path = ${own}; Deno.symlinkSync(${file}, path); return Deno.readTextFileSync(path)` },
    { name: 'make a hard link to a file', code: `const path = ${own}; Deno.linkSync(${file}, path); return Deno.readTextFileSync(path)` },
    { name: 'copy a file', code: `const path = ${own}; Deno.copyFileSync(${file}, path); return Deno.readTextFileSync(path)` },
    { name: 'rename a file', code: `Deno.renameSync(${file}, ${own}); return 'renamed'` },
    { name: 'write outside', code: `Deno.writeTextFileSync('/tmp/stolen', 'x'); return 'written'` },
    { name: 'write beside the canary', code: `Deno.writeTextFileSync(${JSON.stringify(`${folder}/stolen`)}, 'x'); return 'written'` },
    { name: 'make a temporary file', code: `return Deno.makeTempFileSync()` },
    { name: 'change the folder', code: `Deno.chdir('/'); return Deno.cwd()` },
    { name: 'watch files', code: `const watcher = Deno.watchFs(${JSON.stringify(folder)}); watcher.close(); return 'watched'` },
    { name: 'read the environment by /proc', code: `return Deno.readTextFileSync('/proc/self/environ')` },
    { name: 'read the platform’s environment', code: `return Deno.readTextFileSync('/proc/${platformPid}/environ')` },
    { name: 'read another project’s environment', code: `return Deno.readTextFileSync('/proc/${otherPid}/environ')` },
    { name: 'read another project’s memory', code: `return Deno.openSync('/proc/${otherPid}/mem').rid` },
    { name: 'read the bootstrap’s arguments', code: `return Deno.readTextFileSync('/proc/self/cmdline')` },
    // Environment
    { name: 'read the server’s environment', code: `return JSON.stringify([Deno.env.toObject(), process.env, Object.keys(process.env)])`, isHarmless: (text) => !text.includes('PATH') },
    // Network
    { name: 'connect by TCP', code: `return String(await Deno.connect({ hostname: '127.0.0.1', port: ${port} }))` },
    { name: 'connect by TLS', code: `return String(await Deno.connectTls({ hostname: '127.0.0.1', port: ${port} }))` },
    { name: 'connect by node:net', code: `const net = await import('node:net'); return await new Promise((ok, no) => net.connect(${port}, '127.0.0.1', () => ok('connected')).on('error', no))` },
    { name: 'connect by node:tls', code: `const tls = await import('node:tls'); return await new Promise((ok, no) => tls.connect(${port}, '127.0.0.1', () => ok('connected')).on('error', no))` },
    { name: 'ask by node:http', code: `const http = await import('node:http'); return await new Promise((ok, no) => http.get('http://127.0.0.1:${port}', (r) => ok(r.statusCode)).on('error', no))` },
    { name: 'send by UDP', code: `const dgram = await import('node:dgram'); const s = dgram.createSocket('udp4'); return await new Promise((ok, no) => { s.on('error', no); setTimeout(() => no('silent'), 500); s.send('x', ${port}, '127.0.0.1', (e) => e ? no(e) : ok('sent')) })` },
    { name: 'listen on a port', code: `Deno.listen({ port: 0 }).close(); return 'listened'` },
    { name: 'listen on a socket of its own', code: `Deno.listen({ transport: 'unix', path: '/run/own.sock' }).close(); return 'listened'` },
    { name: 'listen for datagrams', code: `Deno.listenDatagram({ port: 0, transport: 'udp', hostname: '127.0.0.1' }); return 'listened'` },
    { name: 'look a name up', code: `return (await Deno.resolveDns('example.com', 'A')).join()` },
    { name: 'look a name up by node', code: `const dns = await import('node:dns/promises'); return JSON.stringify(await dns.lookup('localhost'))` },
    { name: 'open a WebSocket', code: `return await new Promise((ok, no) => { const s = new WebSocket('ws://127.0.0.1:${port}'); s.onopen = () => ok('open'); s.onerror = (e) => no(e.message ?? 'error') })` },
    { name: 'open a WebSocketStream', code: `return String(await new WebSocketStream('ws://127.0.0.1:${port}').opened)` },
    { name: 'open an EventSource', code: `return await new Promise((ok, no) => { const s = new EventSource('http://127.0.0.1:${port}'); s.onopen = () => ok('open'); s.onerror = () => (s.close(), no('error')) })` },
    { name: 'a client with an HTTP proxy', code: `const client = Deno.createHttpClient({ proxy: { url: 'http://127.0.0.1:${port}' } }); return (await fetch('http://example.com/', { client })).status` },
    { name: 'a client with a SOCKS proxy', code: `const client = Deno.createHttpClient({ proxy: { url: 'socks5://127.0.0.1:${port}' } }); return (await fetch('http://example.com/', { client })).status` },
    { name: 'a client over TCP', code: `const client = Deno.createHttpClient({ proxy: { transport: 'tcp', hostname: '127.0.0.1', port: ${port} } }); return (await fetch('http://egress.internal/', { client })).status` },
    { name: 'a client over another socket', code: `const client = Deno.createHttpClient({ proxy: { transport: 'unix', path: ${JSON.stringify(`${otherFolder}/in.sock`)} } }); return (await fetch('http://egress.internal/', { client })).status` },
    { name: 'another project’s socket', code: `return String(await Deno.connect({ transport: 'unix', path: ${JSON.stringify(`${otherFolder}/in.sock`)} }))` },
    { name: 'the Docker socket', code: `return String(await Deno.connect({ transport: 'unix', path: '/var/run/docker.sock' }))` },
    { name: 'an abstract socket', code: `return String(await Deno.connect({ transport: 'unix', path: '\\0x' }))` },
    { name: 'the way out with a forged address', code: `const client = Deno.createHttpClient({ proxy: { transport: 'unix', path: '/run/out.sock' } }); const r = await fetch('http://egress.internal/', { client, headers: { 'x-egress-url': 'http://127.0.0.1:${port}/' } }); return r.status` },
    { name: 'speak to the way out by hand', code: `const c = await Deno.connect({ transport: 'unix', path: '/run/out.sock' }); await c.write(new TextEncoder().encode('GET / HTTP/1.1\\r\\nhost: x\\r\\nx-egress-url: http://127.0.0.1:${port}/\\r\\nconnection: close\\r\\n\\r\\n')); return await new Response(c.readable).text()`, isHarmless: (text) => text.includes('outgoing.address_blocked') },
    { name: 'ask the way out to connect', code: `const c = await Deno.connect({ transport: 'unix', path: '/run/out.sock' }); await c.write(new TextEncoder().encode('CONNECT 127.0.0.1:${port} HTTP/1.1\\r\\nhost: x\\r\\n\\r\\n')); return await new Response(c.readable).text()`, isHarmless: (text) => !/^HTTP\/1.1 2/.test(text) },
    // Programs and the system
    { name: 'run a program', code: `return new TextDecoder().decode(new Deno.Command('/bin/sh', { args: ['-c', 'id'] }).outputSync().stdout)` },
    { name: 'run Deno again', code: `return new Deno.Command(Deno.execPath(), { args: ['--version'] }).outputSync().code` },
    { name: 'run a program by node', code: `const { execSync } = await import('node:child_process'); return execSync('id').toString()` },
    { name: 'load a library', code: `Deno.dlopen('libc.so.6', { getpid: { parameters: [], result: 'i32' } }); return 'loaded'` },
    { name: 'load an addon', code: `const m = { exports: {} }; process.dlopen(m, '/lib/x.node'); return 'loaded'` },
    { name: 'kill the platform', code: `Deno.kill(${platformPid}, 'SIGKILL'); return 'killed'` },
    { name: 'kill another project', code: `process.kill(${otherPid}, 'SIGKILL'); return 'killed'` },
    { name: 'read the machine’s name', code: `return Deno.hostname()` },
    { name: 'read the machine’s addresses', code: `return JSON.stringify(Deno.networkInterfaces())` },
    { name: 'read the machine’s memory', code: `return JSON.stringify(Deno.systemMemoryInfo())` },
    { name: 'read the machine’s load', code: `return Deno.loadavg().join()` },
    { name: 'read the kernel’s release', code: `return Deno.osRelease()` },
    { name: 'change the mask of files', code: `return Deno.umask(0)` },
    { name: 'become another user', code: `process.setuid(0); return 'became'` },
    { name: 'open an inspector', code: `(await import('node:inspector')).open(9229); return 'opened'` },
    { name: 'ask for more rights', code: `const { state } = await Deno.permissions.request({ name: 'read', path: '/etc' }); if (state !== 'granted') throw new Error(state); return state` },
    { name: 'ask for all rights to run', code: `const { state } = await Deno.permissions.request({ name: 'run' }); if (state !== 'granted') throw new Error(state); return state` },
    { name: 'open a database file', code: `const { DatabaseSync } = await import('node:sqlite'); new DatabaseSync('/tmp/x.db').exec('create table a (b)'); return 'opened'` },
    { name: 'open a key-value store', code: `const kv = await Deno.openKv(); await kv.set(['a'], 1); return 'stored'` },
    { name: 'keep things in localStorage', code: `localStorage.setItem('a', 'b'); return localStorage.getItem('a')` },
    { name: 'keep things in caches', code: `const cache = await caches.open('v1'); await cache.put('http://x/', new Response(new Uint8Array(1_000_000))); return 'kept'` },
    { name: 'hold on to SIGTERM', code: `Deno.addSignalListener('SIGTERM', () => {}); return 'held'`, isHarmless: (text) => text === 'held' },
    { name: 'run code in a V8 context with node:vm', code: `const vm = await import('node:vm'); return vm.runInNewContext('this.constructor.constructor("return process")()').env.PATH ?? 'nothing'`, isHarmless: (text) => text === 'nothing' },
    { name: 'use the internals', code: `return Deno[Deno.internal]?.core?.ops?.op_read_file_text_sync?.(${file}) ?? 'nothing'`, isHarmless: (text) => text === 'nothing' },
  ] // prettier-ignore
}
