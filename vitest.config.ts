import { defineConfig } from 'vitest/config'

const everywhere = '{packages,apps,tooling}/**'
const ignored = ['**/node_modules/**', '**/dist/**', '**/build/**', '**/.svelte-kit/**']

// The suffix of a test says what it needs: nothing (.test.ts), Postgres (.db.test.ts), or a running server (e2e/).
export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        test: { name: 'unit', include: [`${everywhere}/*.test.ts`], exclude: [...ignored, '**/*.db.test.ts'] },
      },
      {
        test: {
          name: 'db',
          include: [`${everywhere}/*.db.test.ts`],
          exclude: ignored,
          globalSetup: 'packages/db/src/testing/global-setup.ts',
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['e2e/**/*.test.ts'],
          exclude: ignored,
          globalSetup: 'e2e/global-setup.ts',
          testTimeout: 60_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
