/** The Directory: one Durable Object per agent URL, which alone fetches that agent's keys and remembers them. */
import { DurableObject } from 'cloudflare:workers'
import { type Fetch, fetchKeys } from './jwks.ts'
import { type CachedJwks, due, learn } from './key-cache.ts'
import { readAgentUrl } from './signature-agent.ts'

/** What an isolate asks of the object named by an agent's URL. */
export type DirectoryReader = {
  /** The directory as it is known, after asking it if the key `wanted` makes that due. */
  read(url: string, wanted: string): Promise<CachedJwks>
}

/**
 * Why an object: requests share nothing in a Worker, and one may not await a fetch that another began. Here they may, so that
 * a hundred requests in a hundred isolates cost one fetch. It is asked once per isolate and period, never for a key that
 * the isolate still knows.
 */
export class Directory<Env = unknown> extends DurableObject<Env> implements DirectoryReader {
  #listing: CachedJwks | null
  #asking: Promise<CachedJwks> | null = null

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    this.#listing = ctx.storage.kv.get<CachedJwks>('listing') ?? null
  }

  /** @throws when the URL is none that an agent could be registered with: only such URLs are ever fetched. */
  async read(url: string, wanted: string): Promise<CachedJwks> {
    const agent = readAgentUrl(url, 'jwks_uri')
    if (!('url' in agent) || agent.url !== url) throw new Error('this is no URL of an agent')
    const known = this.#listing
    const need = due(known, wanted, this.world.now())
    if (known && need === 'nothing') return known
    const asked = this.#ask(url)
    // An object stays until its work is done, so that nobody has to wait for a key that is only confirmed.
    return known && need === 'confirm' ? known : asked
  }

  /** A field, since the methods of a prototype can be called from outside. Set where a test plays the world. */
  protected world: { fetch: Fetch; now: () => number } = {
    fetch: (url, init) => fetch(url, init),
    now: () => Date.now(),
  }

  #ask(url: string): Promise<CachedJwks> {
    this.#asking ??= this.#fetch(url).finally(() => {
      this.#asking = null
    })
    return this.#asking
  }

  async #fetch(url: string): Promise<CachedJwks> {
    const fetched = await fetchKeys(url, this.world.fetch)
    if (fetched.outcome === 'failed')
      console.warn(JSON.stringify({ message: 'a key directory cannot be read', url, why: fetched.why }))
    const listing = learn(this.#listing, fetched, this.world.now())
    this.#listing = listing
    this.ctx.storage.kv.put('listing', listing)
    return listing
  }
}
