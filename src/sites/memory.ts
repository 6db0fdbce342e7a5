/** The isolate's copies of the hosts' entries: a steady request reads nothing. */

import { type Background, IsolateCache } from '../platform/isolate-cache.ts'
import { log } from '../platform/log.ts'
import { entryKey, type HostEntry, type HostStore, type HostVersion } from './entry.ts'

/** A copy is read again behind the answer after this. Milliseconds. */
const FRESH_MS = 30_000
/**
 * An older copy is not used before KV was asked. KV shows a write elsewhere within a minute, so that every isolate has a
 * version before it takes effect, two minutes after it was published. It is also how long an unknown host stays unknown.
 */
const MAX_AGE_MS = 60_000
/** While KV fails, a copy is used until it is older than this. */
export const MAX_OUTAGE_MS = 600_000
/** While KV fails it is asked so often. */
const RETRY_MS = 5_000
/** How long KV may take. */
const TIMEOUT_MS = 2_000
/** The most hosts, and as many unknown ones. Beyond it the host that was asked for longest ago is read and compiled again. */
export const MAX_HOSTS_KEPT = 1_000

/** An entry, and when KV returned it. */
type Held = { entry: HostEntry; readAt: number }

/** The hosts that this isolate has been asked for. */
export class HostMemory {
  readonly #cache: IsolateCache<Held>
  readonly #store: Pick<HostStore, 'get'>
  readonly #now: () => number

  constructor(store: Pick<HostStore, 'get'>, { now, later }: Background) {
    this.#store = store
    this.#now = now
    this.#cache = new IsolateCache<Held>({
      now,
      later,
      read: (host, last) => this.#read(host, last),
      freshMs: FRESH_MS,
      retryMs: RETRY_MS,
      maxAgeMs: MAX_AGE_MS,
      maxEntries: MAX_HOSTS_KEPT,
      report,
    })
  }

  /**
   * The newest version of a host in its one spelling; undefined for a host that has none. The promise rejects while KV fails
   * and no copy is at most ten minutes old.
   */
  get(host: string): HostVersion | undefined | Promise<HostVersion | undefined> {
    const held = this.#cache.get(host)
    return held instanceof Promise ? held.then((read) => read?.entry) : held?.entry
  }

  async #read(host: string, last: Held | undefined): Promise<Held | undefined> {
    const readAt = this.#now()
    try {
      const next = await inTime(this.#store.get<HostEntry>(entryKey(host), 'json'))
      // Threat: KV may show that a host is unknown after it has shown its entry. No entry is ever removed.
      if (!next && last) throw new Error('KV has lost an entry')
      return next ? { entry: newer(next, last?.entry), readAt } : undefined
    } catch (fault) {
      // It is used for a minute more before KV is asked again.
      if (!last || readAt - last.readAt > MAX_OUTAGE_MS - MAX_AGE_MS) throw fault
      report(fault, host)
      return last
    }
  }
}

/** Threat: KV may show an older value after a newer one. A version that both have keeps what was built of it. */
function newer(next: HostEntry, last: HostEntry | undefined): HostEntry {
  if (!last) return next
  return next.sequence <= last.sequence
    ? last
    : Object.assign(keeping(next, last), { sequence: next.sequence })
}

function keeping(next: HostVersion, last: HostVersion): HostVersion {
  const previous = next.previous && keeping(next.previous, last)
  let known: HostVersion | undefined = last
  while (known && !(known.id === next.id && known.version === next.version)) known = known.previous
  const kept = known ?? next
  if (previous) kept.previous = previous
  else delete kept.previous
  return kept
}

async function inTime<Value>(read: Promise<Value>): Promise<Value> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('KV did not answer in time')), TIMEOUT_MS)
  })
  try {
    return await Promise.race([read, late])
  } finally {
    clearTimeout(timer)
  }
}

function report(fault: unknown, host: string): void {
  const message = 'the entry of a host is unreadable, keeping the copy'
  log('host_entry', { what: message, host, fault })
}
