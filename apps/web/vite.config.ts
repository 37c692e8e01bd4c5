import { sveltekit } from '@sveltejs/kit/vite'
import adapter from '@sveltejs/adapter-node'
import tailwindcss from '@tailwindcss/vite'
import { defineConfig } from 'vite'

const server = `http://localhost:${process.env.POLDER_PORT ?? 8000}`

export default defineConfig({
  define: { 'import.meta.env.POLDER_DEV_SERVER': JSON.stringify(server) },
  plugins: [
    tailwindcss(),
    sveltekit({
      adapter: adapter({ precompress: true }),
      compilerOptions: { runes: true },
      csp: {
        mode: 'nonce',
        directives: {
          'default-src': ['self'],
          'script-src': ['self'],
          'style-src': ['self'],
          'style-src-attr': ['unsafe-inline'],
          'img-src': ['self', 'data:'],
          'object-src': ['none'],
          'base-uri': ['none'],
          'frame-ancestors': ['none'],
          'form-action': ['self'],
          'connect-src': ['self'],
        },
      },
      version: { pollInterval: 0 },
      // All styles stand in the page: a file of their own would be one more thing to wait for before the first paint.
      inlineStyleThreshold: 100_000,
    }),
  ],
  environments: {
    client: {
      build: {
        rolldownOptions: {
          treeshake: {
            // Core makes its zod schemas at import; a page that takes only a function of core must not carry zod.
            moduleSideEffects: (id) => !id.includes('/packages/core/') && !id.includes('/node_modules/zod/'),
            manualPureFunctions: ['z', 'errorEntries'],
          },
          output: {
            // Few files for the first page: what every page needs in one, floating panels in another, schemas when a form is sent.
            codeSplitting: {
              groups: [
                {
                  name: 'schemas',
                  test: /node_modules\/zod\/|packages\/core\/src\/(?!index|organization\/permissions|operation\/is-ended)/,
                  priority: 4,
                },
                {
                  name: 'base',
                  test: /node_modules\/(?:svelte|@sveltejs|esm-env|clsx|@trpc|@lucide)\/|packages\/sdk\/|src\/lib\/(?:data\/|format\/|client|parts\/(?:Page|Status|Logo|project-status|safe)|ui\/(?!\w*Dialog|Menu\w))|vite\/preload-helper/,
                  priority: 3,
                  minShareCount: 2,
                },
                {
                  name: 'panels',
                  test: /node_modules\/(?:bits-ui|svelte-toolbelt|runed|tabbable|@floating-ui)\/|lib\/ui\/(?:\w*Dialog|Menu\w+)\./,
                  priority: 2,
                },
              ],
            },
          },
        },
      },
    },
  },
  server: {
    // The server refuses requests whose Origin is not its own.
    proxy: { '/trpc': { target: server, headers: { origin: server } } },
  },
})
