/** Fetches the published lists that are due, and stores what can be used. Runs from a cron, never for a page. */
import { log } from '../../platform/log.ts'
import { mapConcurrently } from '../../platform/pool.ts'
import { learnList, type ReadList, readList } from './list.ts'
import type { StoredLists } from './published.ts'
import { SOURCES, type Source } from './sources.ts'
import { type ListStore, readLists, writeLists } from './store.ts'

/** How the lists are fetched. Tests bring their own. */
export type ListWorld = { fetch: (url: string, init: RequestInit) => Promise<Response>; now: () => number }

/** A list is fetched once a day, a failed one every hour. Milliseconds. */
const EVERY_MS = 86_400_000
const RETRY_MS = 3_600_000
/** A longer answer is refused. The largest list of 2026 has some 60 kB. */
export const MAX_LIST_BYTES = 1 << 20
const TIMEOUT_MS = 10_000

/** Refreshes what is due and returns the faults by URL, which it also logs. The last good list of a faulty one stays. */
export async function refreshLists(
  store: ListStore,
  { fetch, now }: ListWorld,
  sources: readonly Source[] = SOURCES,
): Promise<Record<string, string>> {
  const stored = await readLists(store)
  const due = sources.filter(({ url }) => isDue(stored, url, now()))
  if (due.length === 0) return {}
  const lists = { ...stored }
  const faults: Record<string, string> = {}
  const learned = await mapConcurrently(
    due,
    async ({ url }) => ({ url, ...learnList(stored[url], await fetchList(url, fetch), now()) }),
    (_, fault) => {
      throw fault
    },
  )
  for (const { url, list, fault } of learned) {
    lists[url] = list
    if (fault === undefined) continue
    faults[url] = fault
    log('published_list_refused', { url, fault })
  }
  await writeLists(store, lists)
  return faults
}

function isDue(stored: StoredLists, url: string, now: number): boolean {
  const list = stored[url]
  if (!list) return true
  return now >= list.triedAt + (list.triedAt > list.fetchedAt ? RETRY_MS : EVERY_MS)
}

/** Redirects are followed to https alone: a list read over http could be anyone's. */
async function fetchList(url: string, fetch: ListWorld['fetch']): Promise<ReadList> {
  try {
    const response = await fetch(url, {
      headers: { accept: 'application/json' },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    const address = response.url || url
    if (response.ok && address.startsWith('https://')) return readText(response)
    await response.body?.cancel()
    return { fault: response.ok ? 'it must be served over https' : `its server answered ${response.status}` }
  } catch (fault) {
    return { fault: `it could not be fetched: ${fault instanceof Error ? fault.message : fault}` }
  }
}

async function readText(response: Response): Promise<ReadList> {
  const decoder = new TextDecoder()
  let [text, bytes] = ['', 0]
  for await (const part of response.body ?? []) {
    bytes += part.byteLength
    if (bytes > MAX_LIST_BYTES) return { fault: `it must have at most ${MAX_LIST_BYTES} bytes` }
    text += decoder.decode(part, { stream: true })
  }
  return readList(text + decoder.decode())
}
