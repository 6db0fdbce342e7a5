/**
 * `unit` runs what needs no runtime of Cloudflare's in plain Node, `workerd` runs inside the Workers runtime,
 * `node` drives the whole stack from outside, `long` does so for minutes, `house` reads the code.
 */
import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-pool-workers'
import { defineConfig } from 'vitest/config'
import { origin } from './test/origin.ts'
import { unitFiles } from './test/projects.ts'
import { Quiet } from './test/quiet.ts'
import { staticImports } from './test/static-imports.ts'

const house = ['test/house/**/*.test.ts']
// Minutes of journeys that `npm test` leaves to `npm run test:long`.
const long = [
  ...['crash', 'crash-rounds', 'crawlers', 'demo', 'init', 'lab', 'reversals', 'start', 'swarm'].map(
    (name) => `test/journeys/${name}.test.ts`,
  ),
  'test/sim/differential.test.ts',
  'test/sim/shrink.test.ts',
  'test/package/**/*.test.ts',
]
const outside = ['journeys', 'package', 'sim', 'testing'].map((folder) => `test/${folder}/**/*.test.ts`)
const unit = unitFiles()
const chain = ['test/chain.setup.ts']
// A worker that starts takes the next chain: one relayer alone may own the nonces of a key.
let workers = 0

export default defineConfig({
  // The package's own name, as its users import it.
  resolve: { alias: { tab402: new URL('./src/index.ts', import.meta.url).pathname } },
  test: {
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Vitest shows the Worker's log for a test that fails.
    silent: 'passed-only',
    // More than cores: many tests wait for a timer, a block or a disk.
    maxWorkers: 4,
    // Quiet comes first, so that the traces stand above what failed.
    reporters: [new Quiet(), 'default'],
    projects: [
      {
        extends: true,
        // No file leaves anything behind for the next, so they share a thread's modules.
        test: { name: 'unit', include: unit, pool: 'threads', isolate: false },
      },
      {
        extends: true,
        plugins: [
          staticImports(),
          cloudflareTest(async ({ inject }) => {
            const chains = inject('chains')
            const chain = chains[workers++ % chains.length]
            if (!chain) throw new Error('the workers need a chain')
            return {
              main: './test/worker.ts',
              wrangler: { configPath: './wrangler.toml' },
              miniflare: {
                // For vitest itself; the Worker runs without it in the node project's journeys.
                compatibilityFlags: ['nodejs_compat'],
                bindings: {
                  MIGRATIONS: await readD1Migrations('migrations'),
                  RPC_URL: chain.rpcUrl,
                  RELAYER_KEY: chain.relayerKey,
                  RECEIVER: chain.receiver,
                  ORIGIN: 'binding:SITE',
                  // Gas on the local chain costs a hundred times as much as on Base, and tests charge dust.
                  GAS_PER_PAYER: '10',
                  GAS_NEW_PAYERS: '1000',
                  MIN_CLAIM: '0.000001',
                },
                serviceBindings: { SITE: origin },
                durableObjects: { TEST_SITES: { className: 'TestSites', useSQLite: true } },
                kvNamespaces: ['TEST_HOSTS'],
              },
            }
          }),
        ],
        test: {
          name: 'workerd',
          // Tests use fresh ids, and each file begins with empty storage.
          isolate: false,
          globalSetup: chain,
          include: ['test/**/*.test.ts'],
          exclude: [...outside, ...house, ...unit],
          setupFiles: ['test/book.setup.ts'],
        },
      },
      {
        extends: true,
        // Each file starts a stack of its own: chain, origin and Worker.
        test: {
          name: 'node',
          globalSetup: chain,
          include: outside,
          exclude: long,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: { name: 'long', include: long, fileParallelism: false },
      },
      {
        extends: true,
        test: { name: 'house', include: house },
      },
    ],
  },
})
