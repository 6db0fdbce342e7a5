/** The Directory: one Durable Object per agent URL, which alone fetches that agent's keys and remembers them. */
import { DurableObject } from 'cloudflare:workers'
import { readAgentUrl } from './agent.ts'
import { type Fetch, fetchKeys } from './jwks.ts'
import { due, type Listing, learn, PERIOD } from './listing.ts'

/** What an isolate asks of the object named by an agent's URL. */
export type DirectoryReader = {
  /** The directory as it is known, after asking it if the key `wanted` makes that due. */
  read(url: string, wanted: string): Promise<Listing>
}

/**
 * Why an object: requests share nothing in a Worker, and one may not await a fetch that another began. Here they may, so that
 * a hundred requests in a hundred isolates cost one fetch. It is asked once per isolate and period, never for a key that
 * the isolate still knows.
 */
export class Directory<Env = unknown> extends DurableObject<Env> implements DirectoryReader {
  #listing: Listing | null
  #asking: Promise<void> | null = null

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    this.#listing = ctx.storage.kv.get<Listing>('listing') ?? null
  }

  /** @throws when the URL is none that an agent could be registered with; only such URLs are ever fetched. */
  async read(url: string, wanted: string): Promise<Listing> {
    const need = due(this.#listing, wanted, Date.now())
    if (need === 'ask') await this.#ask(url)
    if (need === 'confirm' && (await this.ctx.storage.getAlarm()) === null) {
      this.ctx.storage.kv.put('url', url)
      await this.ctx.storage.setAlarm(Date.now())
    }
    if (!this.#listing) throw new Error('a directory was asked and said nothing')
    return this.#listing
  }

  override async alarm(): Promise<void> {
    const url = this.ctx.storage.kv.get<string>('url')
    const asked = this.#listing?.askedAt ?? 0
    if (url && Date.now() >= asked + PERIOD) await this.#ask(url)
  }

  /** A field, since the methods of an object's prototype can be called from outside. A test that plays the directory sets it. */
  protected send: Fetch = (url, init) => fetch(url, init)

  #ask(url: string): Promise<void> {
    this.#asking ??= this.#fetch(url).finally(() => {
      this.#asking = null
    })
    return this.#asking
  }

  async #fetch(url: string): Promise<void> {
    const read = readAgentUrl(url, 'jwks_uri')
    if (!('url' in read) || read.url !== url) throw new Error('this is no URL of an agent')
    const fetched = await fetchKeys(url, this.send)
    if (fetched.outcome === 'failed')
      console.warn(JSON.stringify({ message: 'a key directory cannot be read', url, why: fetched.why }))
    this.#listing = learn(this.#listing, fetched, Date.now())
    this.ctx.storage.kv.put('listing', this.#listing)
  }
}
