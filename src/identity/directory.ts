/** The Directory: one Durable Object per agent URL, which fetches and caches that agent's keys. */

import { DurableObject } from 'cloudflare:workers'
import { log } from '../platform/log.ts'
import { type Fetch, fetchKeys } from './jwks.ts'
import { type CachedJwks, due, learn } from './key-cache.ts'
import { readAgentUrl } from './signature-agent.ts'

/** The interface for isolates of the object named by an agent's URL. */
export type DirectoryReader = {
  /** The cached directory, fetched before if the key `wanted` is due. */
  read(url: string, wanted: string): Promise<CachedJwks>
}

/**
 * Fetches and caches the keys of one agent, so that requests in many isolates cost one fetch. In a Worker, a request must
 * not await a fetch of another request; in an object it may. Isolates call it once per period, and not for keys that
 * they have cached.
 */
export class Directory<Env = unknown> extends DurableObject<Env> implements DirectoryReader {
  #listing: CachedJwks | null
  #asking: Promise<CachedJwks> | null = null

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    this.#listing = ctx.storage.kv.get<CachedJwks>('listing') ?? null
  }

  /** @throws when the URL could not be registered for an agent: no other URLs are fetched */
  async read(url: string, wanted: string): Promise<CachedJwks> {
    const agent = readAgentUrl(url, 'jwks_uri')
    if (!('url' in agent) || agent.url !== url) throw new Error('url must be the registered URL of an agent')
    const known = this.#listing
    const need = due(known, wanted, this.world.now())
    if (known && need === 'nothing') return known
    const asked = this.#ask(url)
    // The object stays up until its fetch ends, so a request need not wait for a confirmation.
    return known && need === 'confirm' ? known : asked
  }

  /** Trap: a field, because callers of an object can call the methods of its prototype. Tests replace it. */
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
    if (fetched.outcome === 'failed') log('key_directory_unreadable', { url, why: fetched.why })
    const listing = learn(this.#listing, fetched, this.world.now())
    this.#listing = listing
    this.ctx.storage.kv.put('listing', listing)
    return listing
  }
}
