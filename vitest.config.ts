/**
 * `unit` runs what needs no runtime of Cloudflare's in plain Node, `workerd` runs inside the Workers runtime,
 * `node` drives the whole stack from outside, `house` reads the code.
 */
import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-pool-workers'
import { defineConfig } from 'vitest/config'
import { origin } from './test/origin.ts'
import { unitFiles } from './test/projects.ts'

const house = ['test/house/**/*.test.ts']
const outside = ['test/journeys/**/*.test.ts', 'test/package/**/*.test.ts', 'test/testing/**/*.test.ts']
const unit = unitFiles()
const chain = ['test/chain.setup.ts']

export default defineConfig({
  // The package's own name, as its users import it.
  resolve: { alias: { tab402: new URL('./src/index.ts', import.meta.url).pathname } },
  test: {
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // What the Worker logs is shown for a test that fails.
    silent: 'passed-only',
    projects: [
      {
        extends: true,
        // No file leaves anything behind for the next, so they share a thread's modules.
        test: { name: 'unit', include: unit, pool: 'threads', isolate: false },
      },
      {
        extends: true,
        plugins: [
          cloudflareTest(async ({ inject }) => ({
            main: './test/worker.ts',
            wrangler: { configPath: './wrangler.toml' },
            miniflare: {
              // For vitest itself; the Worker runs without it in the node project's journeys.
              compatibilityFlags: ['nodejs_compat'],
              bindings: {
                MIGRATIONS: await readD1Migrations('migrations'),
                RPC_URL: inject('chain').rpcUrl,
                RELAYER_KEY: inject('chain').relayerKey,
                RECEIVER: inject('chain').receiver,
                ORIGIN: 'binding:SITE',
              },
              serviceBindings: { SITE: origin },
            },
          })),
        ],
        test: {
          name: 'workerd',
          // The files share one chain and one relayer key, whose nonces only one relayer may own.
          fileParallelism: false,
          globalSetup: chain,
          include: ['test/**/*.test.ts'],
          exclude: [...outside, ...house, ...unit],
          setupFiles: ['test/book.setup.ts'],
        },
      },
      {
        extends: true,
        test: { name: 'node', globalSetup: chain, include: outside, fileParallelism: false },
      },
      {
        extends: true,
        test: { name: 'house', include: house },
      },
    ],
  },
})
