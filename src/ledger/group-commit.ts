/** Group commit: what is recorded while a write is on its way is written together next, and nobody is answered before. */

export class Commits<Entry> {
  readonly #ctx: DurableObjectState
  readonly #write: (entries: Entry[]) => void
  #unwritten: Entry[] = []
  #pending: Promise<void> | null = null

  /** `write` is called inside a transaction. */
  constructor(ctx: DurableObjectState, write: (entries: Entry[]) => void) {
    this.#ctx = ctx
    this.#write = write
  }

  /** Takes an entry that is in force in memory already. Whoever learns of it must first wait for {@link pending}. */
  add(entry: Entry): void {
    this.#unwritten.push(entry)
    this.#pending ??= this.#commit()
  }

  /** The write that is under way, if one is; a rejection means that nothing of it was written. */
  get pending(): Promise<void> | null {
    return this.#pending
  }

  /** Entries that are not on disk yet. */
  get unwritten(): readonly Entry[] {
    return this.#unwritten
  }

  /** Until memory is no longer ahead of the disk. */
  async durable(): Promise<void> {
    while (this.#pending) await this.#pending
  }

  /** A commit costs fifteen times the SQL, so what comes while the last one is on its way shares the next one. */
  async #commit(): Promise<void> {
    try {
      await this.#ctx.storage.sync()
      this.#ctx.storage.transactionSync(() => this.#flush())
    } catch (fault) {
      // Memory is ahead of the disk now: forget it. Whoever waits for this write learns that the outcome is unknown.
      this.#ctx.abort(`the ledger could not be written: ${fault}`)
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
