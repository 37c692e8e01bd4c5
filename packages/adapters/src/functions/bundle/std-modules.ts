/**
 * Modules that many functions import by URL and that need nothing fetched. `serve` of Deno's former standard library does what
 * `Deno.serve` does here, whatever its version.
 */
export function findStandardModule(url: string): string | undefined {
  if (/^https:\/\/deno\.land\/std(?:@[\w.-]+)?\/http\/(?:server|mod)\.ts$/.test(url)) return HTTP_SERVER
  if (
    /^(?:jsr:@supabase\/functions-js|https:\/\/esm\.sh\/@supabase\/functions-js|npm:@supabase\/functions-js)(?:@[^/]*)?\/(?:src\/)?edge-runtime(?:\.d\.ts)?$/.test(
      url,
    )
  ) {
    return 'export {}'
  }
  if (/^https:\/\/deno\.land\/x\/xhr(?:@[\w.-]+)?\/mod\.ts$/.test(url)) return 'export {}'
  return undefined
}

const HTTP_SERVER = `
export function serve(handler, options) { Deno.serve(options ?? {}, handler); return new Promise(() => {}) }
export function serveTls(handler, options) { return serve(handler, options) }
export class Server { constructor(options) { this.options = options } listenAndServe() { return serve(this.options.handler) } close() {} }
export const STATUS_CODE = {}
`

/** The npm package that an address of a package's mirror means: `https://esm.sh/hono@4/cors` is `npm:hono@4/cors`. */
export function findMirroredPackage(url: string): string | undefined {
  const found =
    /^https:\/\/(?:esm\.sh|cdn\.skypack\.dev|unpkg\.com)\/(?:v\d+\/|stable\/)?((?:@[^/?#@]+\/)?[^/?#@]+(?:@[^/?#]+)?(?:\/[^?#]*)?)/.exec(
      url,
    )
  if (found === null || /^https:\/\/esm\.sh\/(?:pr|gh|jsr)\//.test(url)) return undefined
  return `npm:${found[1]}`
}
