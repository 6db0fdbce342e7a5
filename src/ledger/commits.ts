/** Group commit: what is recorded within two turns of the event loop is written together, and nobody is answered before. */

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

  /** The commit costs fifteen times the SQL. One turn of the loop brings a third of what is under way, two bring more than half. */
  async #commit(): Promise<void> {
    await scheduler.wait(0)
    await scheduler.wait(0)
    this.#flush()
  }

  #flush(): void {
    const entries = this.#unwritten
    this.#unwritten = []
    this.#pending = null
    try {
      this.#ctx.storage.transactionSync(() => this.#write(entries))
    } catch (fault) {
      // Memory is ahead of the disk now: forget it. Whoever waits for this write learns that the outcome is unknown.
      this.#ctx.abort(`the ledger could not be written: ${fault}`)
      throw fault
    }
  }
}
