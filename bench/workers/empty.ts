/** The paywall with an account that does nothing: the cost of a request without verification and storage. */
import { DurableObject } from 'cloudflare:workers'

export { default } from './paywall.ts'

/** Replaces the Account. */
export class Empty extends DurableObject {
  call(): void {}
}

/** The cheapest durable charge: one number, written in groups like the Account's writes. */
export class Least extends DurableObject {
  #calls = 0
  #pending: Promise<void> | null = null

  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env)
    ctx.storage.sql.exec('CREATE TABLE IF NOT EXISTS total (one INTEGER PRIMARY KEY, calls INTEGER) STRICT')
  }

  async call(): Promise<void> {
    this.#calls++
    this.#pending ??= this.#commit()
    await this.#pending
  }

  async #commit(): Promise<void> {
    await this.ctx.storage.sync()
    this.#write()
  }

  #write(): void {
    this.#pending = null
    this.ctx.storage.sql.exec('INSERT OR REPLACE INTO total VALUES (1, ?)', this.#calls)
  }
}
