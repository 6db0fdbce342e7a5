/** Lists that others publish at a URL: downloaded under limits, and the last good one kept while its server fails. */
import { log } from './log.ts'
import { mapConcurrently } from './pool.ts'

/** How lists are fetched. Tests bring their own. `now`: Unix milliseconds. */
export type ListWorld = { fetch: (url: string, init: RequestInit) => Promise<Response>; now: () => number }

/** The times of a stored list, in Unix milliseconds. */
export type ListTimes = {
  /** 0: no list was accepted yet. */
  fetchedAt: number
  /** The last try, whatever came of it. */
  triedAt: number
}

/** The content of a list, or why it cannot be used. */
export type ListRead<Content> = Content | { fault: string }

/** How the lists of one kind look. */
export type ListKind<Content extends object> = {
  /** The media type that servers are asked for. */
  accept: string
  /** A longer answer is refused. */
  maxBytes: number
  read(text: string): ListRead<Content> | Promise<ListRead<Content>>
  /** The content to store after a try, or the last good one with the fault. */
  learn(
    known: (Content & ListTimes) | undefined,
    read: ListRead<Content>,
    now: number,
  ): { list: Content & ListTimes; fault?: string }
}

/** A list is fetched once a day, a failed one every hour. Milliseconds. */
const EVERY_MS = 86_400_000
const RETRY_MS = 3_600_000
const TIMEOUT_MS = 10_000

/**
 * Fetches the lists that are due. Returns all lists for the store, and the faults by URL, which it also logs; null if none was
 * due.
 */
export async function refreshDue<Content extends object>(
  stored: Readonly<Record<string, Content & ListTimes>>,
  urls: readonly string[],
  kind: ListKind<Content>,
  { fetch, now }: ListWorld,
): Promise<{ lists: Record<string, Content & ListTimes>; faults: Record<string, string> } | null> {
  const due = urls.filter((url) => isDue(stored[url], now()))
  if (due.length === 0) return null
  const lists = { ...stored }
  const faults: Record<string, string> = {}
  const learned = await mapConcurrently(
    due,
    async (url) => ({ url, ...kind.learn(stored[url], await fetchList(url, kind, fetch), now()) }),
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
  return { lists, faults }
}

/**
 * The list to store after a try: the new one, or the last good one with the fault. A list of less than half the entries is
 * refused: it may have been cut short.
 */
export function keepLastGood<Content extends object>(
  known: Content & ListTimes,
  read: ListRead<Content>,
  now: number,
  size: (content: Content) => number,
  noun: string,
): { list: Content & ListTimes; fault?: string } {
  const kept = { ...known, triedAt: now }
  if ('fault' in read) return { list: kept, fault: read.fault }
  if (size(read) * 2 < size(known)) {
    const fault = `it must not shrink by half: ${size(read)} ${noun} after ${size(known)}`
    return { list: kept, fault }
  }
  return { list: { ...read, fetchedAt: now, triedAt: now } }
}

function isDue(list: ListTimes | undefined, now: number): boolean {
  if (!list) return true
  return now >= list.triedAt + (list.triedAt > list.fetchedAt ? RETRY_MS : EVERY_MS)
}

/** Redirects are followed to https alone: a list read over http could be anyone's. */
async function fetchList<Content extends object>(
  url: string,
  kind: ListKind<Content>,
  fetch: ListWorld['fetch'],
): Promise<ListRead<Content>> {
  try {
    const response = await fetch(url, {
      headers: { accept: kind.accept },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    const address = response.url || url
    if (response.ok && isSafe(address, url)) return readBody(response, kind)
    await response.body?.cancel()
    return { fault: response.ok ? 'it must be served over https' : `its server answered ${response.status}` }
  } catch (fault) {
    return { fault: `it could not be fetched: ${fault instanceof Error ? fault.message : fault}` }
  }
}

/** A list on this machine may come over http, from the host that was asked alone. */
function isSafe(address: string, asked: string): boolean {
  return address.startsWith('https://') || URL.parse(address)?.origin === URL.parse(asked)?.origin
}

async function readBody<Content extends object>(
  response: Response,
  { maxBytes, read }: ListKind<Content>,
): Promise<ListRead<Content>> {
  const decoder = new TextDecoder()
  let [text, bytes] = ['', 0]
  for await (const part of response.body ?? []) {
    bytes += part.byteLength
    if (bytes > maxBytes) return { fault: `it must have at most ${maxBytes} bytes` }
    text += decoder.decode(part, { stream: true })
  }
  return read(text + decoder.decode())
}
