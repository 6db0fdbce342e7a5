/** The faucet's limits. Its money is worth nothing, but each drop is a transaction of the local chain. */

/** The amount that a key gets, once. In atomic units of USDC. */
export const DROP = 1_000_000n
/** The most drops within a minute. Beyond it the faucet is busy. */
export const MAX_PER_MINUTE = 20
/** The most keys in the life of a server. Beyond it the faucet is dry. */
export const MAX_KEYS = 1_000

const MINUTE_MS = 60_000

/** Counts what was taken. */
export class Faucet {
  readonly #had = new Set<string>()
  #recent: number[] = []

  /** Takes a drop for a key at that time (Unix ms), or says why not. */
  take(key: string, now: number): 'taken' | 'had' | 'busy' | 'dry' {
    if (this.#had.has(key)) return 'had'
    if (this.#had.size >= MAX_KEYS) return 'dry'
    this.#recent = this.#recent.filter((at) => at > now - MINUTE_MS)
    if (this.#recent.length >= MAX_PER_MINUTE) return 'busy'
    this.#recent.push(now)
    this.#had.add(key)
    return 'taken'
  }
}
