/** The published lists in KV, and an isolate's copy of them. */

import { type Background, IsolateCache } from '../../platform/isolate-cache.ts'
import { log } from '../../platform/log.ts'
import type { Published } from '../claim.ts'
import { publishedIn, type StoredLists } from './published.ts'

/** The part of a KV namespace that holds the lists. */
export type ListStore = Pick<KVNamespace, 'get' | 'put'>

/** One key for all lists: some 200 kB, where KV stores up to 25 MB. Another shape gets another key. */
const KEY = 'published-1'

/** How long an isolate uses its copy before it reads KV again. Milliseconds. */
const FRESH_MS = 10 * 60_000
/** When it tries again after a failure. Milliseconds. */
const RETRY_MS = 30_000

/** Reads the stored lists; none where nothing was stored yet. */
export async function readLists(store: ListStore): Promise<StoredLists> {
  return (await store.get<StoredLists>(KEY, 'json')) ?? {}
}

/** Stores all lists. */
export async function writeLists(store: ListStore, lists: StoredLists): Promise<void> {
  await store.put(KEY, JSON.stringify(lists))
}

/**
 * Returns the isolate's copy of the lists, and reads KV in the background where the copy is old. No request waits: the first
 * ones use the shipped copy. Without a store, all do.
 */
export function cachedLists(store: ListStore | undefined, background: Background): () => Published {
  const shipped = publishedIn({}, background.now)
  if (!store) return () => shipped
  const lists = new IsolateCache<Published>({
    ...background,
    read: async () => publishedIn(await readLists(store), background.now),
    freshMs: FRESH_MS,
    retryMs: RETRY_MS,
    maxEntries: 1,
    report,
  })
  return () => lists.known(KEY) ?? shipped
}

function report(fault: unknown): void {
  log('published_lists_unreadable', { fault })
}
