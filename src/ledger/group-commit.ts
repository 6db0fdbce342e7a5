/** Group commit: entries that arrive during a write share the next one. */

/**
 * Collects entries and writes them in groups. Memory leads storage: a caller must wait for {@link pending}
 * before it answers. If a write fails, the object restarts and every waiting call rejects: the outcome is
 * unknown.
 */
export class Commits<Entry> {
  readonly #ctx: DurableObjectState
  readonly #write: (entries: Entry[]) => void
  #unwritten: Entry[] = []
  #pending: Promise<void> | null = null

  /** @param write stores a group of entries; called inside a transaction */
  constructor(ctx: DurableObjectState, write: (entries: Entry[]) => void) {
    this.#ctx = ctx
    this.#write = write
  }

  /**
   * Queues an entry that memory already contains. Wait for {@link pending} before any caller learns of it.
   */
  add(entry: Entry): void {
    this.#unwritten.push(entry)
    this.#pending ??= this.#commit()
  }

  /** The write in progress, or null. If it rejects, none of its entries was stored. */
  get pending(): Promise<void> | null {
    return this.#pending
  }

  /** Entries that are not yet stored. */
  get unwritten(): readonly Entry[] {
    return this.#unwritten
  }

  /** Resolves once storage contains everything that memory does. @throws when a write fails */
  async durable(): Promise<void> {
    while (this.#pending) await this.#pending
  }

  /**
   * Trade-off: a commit costs fifteen times as much as its SQL, so entries wait for the last one and share
   * the next.
   */
  async #commit(): Promise<void> {
    try {
      await this.#ctx.storage.sync()
      this.#ctx.storage.transactionSync(() => this.#flush())
    } catch (fault) {
      // Memory now differs from storage, so the object must restart. Waiting calls reject: the outcome is
      // unknown.
      this.#ctx.abort(`ledger write failed: ${fault}`)
      throw fault
    }
  }

  #flush(): void {
    const entries = this.#unwritten
    this.#unwritten = []
    this.#pending = null
    this.#write(entries)
  }
}
