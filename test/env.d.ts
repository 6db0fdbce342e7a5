/// <reference types="@cloudflare/vitest-pool-workers/types" />
/// <reference path="../worker-configuration.d.ts" />
/** The bindings come from wrangler.toml (`npm run types`). Tests add what the chain's setup injects. */
declare namespace Cloudflare {
  interface Env {
    RPC_URL: string
    RELAYER_KEY: string
    TEST_SITES: DurableObjectNamespace<import('../src/sites/registry.ts').SitesBase>
    TEST_HOSTS: KVNamespace
  }
}
