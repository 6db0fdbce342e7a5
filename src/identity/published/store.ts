/** The published lists in KV, and an isolate's copy of them. */
import type { Published } from '../claim.ts'
import { publishedIn, type StoredLists } from './published.ts'

/** The part of a KV namespace that holds the lists. */
export type ListStore = Pick<KVNamespace, 'get' | 'put'>

/** One key for all lists: some 200 kB, where KV stores up to 25 MB. Another shape gets another key. */
const KEY = 'published-1'

/** How long an isolate uses its copy before it reads KV again. Milliseconds. */
const FRESH_MS = 10 * 60_000
/** A read that failed, or that ended with its request, is repeated after this. Milliseconds. */
const RETRY_MS = 30_000

/** Reads the stored lists; none where nothing was stored yet. */
export async function readLists(store: ListStore): Promise<StoredLists> {
  return (await store.get<StoredLists>(KEY, 'json')) ?? {}
}

/** Stores all lists. */
export async function writeLists(store: ListStore, lists: StoredLists): Promise<void> {
  await store.put(KEY, JSON.stringify(lists))
}

/** The clock, and a way to let a read outlast the request that began it. */
export type Background = { now: () => number; later: (work: Promise<unknown>) => void }

/**
 * Returns the isolate's copy of the lists, and reads KV in the background where the copy is old. No request waits: the first
 * ones use the shipped copy. Without a store, all do.
 */
export function cachedLists(store: ListStore | undefined, { now, later }: Background): () => Published {
  let published = publishedIn({}, now)
  let readAfter = 0
  const read = async (from: ListStore) => {
    try {
      published = publishedIn(await readLists(from), now)
      readAfter = now() + FRESH_MS
    } catch (fault) {
      console.warn(
        JSON.stringify({ message: 'published lists unreadable, keeping the copy', fault: String(fault) }),
      )
    }
  }
  return () => {
    if (store && now() >= readAfter) {
      readAfter = now() + RETRY_MS
      later(read(store))
    }
    return published
  }
}
