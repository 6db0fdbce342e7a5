/** Fetches the published lists that are due, and stores what can be used. Runs from a cron, never for a page. */
import { type ListWorld, refreshDue } from '../../platform/published-list.ts'
import { learnList, readList } from './list.ts'
import { SOURCES, type Source } from './sources.ts'
import { type ListStore, readLists, writeLists } from './store.ts'

/** A longer answer is refused. The largest list of 2026 has some 60 kB. */
export const MAX_LIST_BYTES = 1 << 20

const KIND = { accept: 'application/json', maxBytes: MAX_LIST_BYTES, read: readList, learn: learnList }

/** Refreshes what is due and returns the faults by URL, which it also logs. The last good list of a faulty one stays. */
export async function refreshLists(
  store: ListStore,
  world: ListWorld,
  sources: readonly Source[] = SOURCES,
): Promise<Record<string, string>> {
  const urls = sources.map(({ url }) => url)
  const refreshed = await refreshDue(await readLists(store), urls, KIND, world)
  if (!refreshed) return {}
  await writeLists(store, refreshed.lists)
  return refreshed.faults
}
