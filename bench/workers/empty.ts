/** The paywall whose account does nothing: what a request costs before anything is verified or written down. */
import { DurableObject } from 'cloudflare:workers'

export { default } from './paywall.ts'

/** In the place of the Account. */
export class Empty extends DurableObject {
  call(): void {}
}

/** The least that is durable: one number, written in groups as the Account writes. No charge can cost less. */
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
