/** The Worker under test: the real one, and a registry beside it that the tests of many sites bind. */
import type { Bindings } from '../src/app/bindings.ts'
import { judgeSite } from '../src/config/site.ts'
import { SitesBase } from '../src/sites/registry.ts'

export * from '../src/worker.ts'
export { default } from '../src/worker.ts'

/** The registry with the namespace of the tests: with the binding HOSTS, every other test would be served from it. */
export class TestSites extends SitesBase<Bindings> {
  /** Whether writes to KV fail. */
  readonly kv: { fails: boolean }

  constructor(ctx: DurableObjectState, env: Bindings & { TEST_HOSTS: KVNamespace }) {
    const kv = { fails: false }
    const put = async (key: string, value: string) => {
      if (kv.fails) throw new Error('KV is down')
      await env.TEST_HOSTS.put(key, value)
    }
    super(ctx, env, { validate: judgeSite(env), store: { put } })
    this.kv = kv
  }
}
