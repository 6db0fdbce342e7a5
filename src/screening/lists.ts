/** Published lists of addresses: fetched by the cron, stored in KV, copied by each isolate. */

import { sha256Hex } from '../platform/digest.ts'
import { type Background, IsolateCache } from '../platform/isolate-cache.ts'
import { log } from '../platform/log.ts'
import {
  keepLastGood,
  type ListRead,
  type ListTimes,
  type ListWorld,
  refreshDue,
} from '../platform/published-list.ts'
import type { Address } from '../protocol/evm/hex.ts'
import type { ScreeningVerdict } from '../protocol/screening.ts'
import type { ScreeningSource } from './screen.ts'

/** The part of a KV namespace that holds the lists. */
export type AddressStore = Pick<KVNamespace, 'get' | 'put'>

/** One list. `bytes` and `sha256` (hex) are of the text as it was fetched. */
export type AddressList = { addresses: Address[]; bytes: number; sha256: string }

/** A list as it is stored. Times in Unix milliseconds. */
export type StoredAddresses = AddressList & ListTimes

/** A longer text is refused: 24,000 addresses. */
export const MAX_ADDRESS_BYTES = 1 << 20

/** An older list still lists its addresses, and an address that it lacks is unknown. Milliseconds. */
export const CLEARS_FOR_MS = 3 * 86_400_000

/** How long an isolate uses its copy, and when it reads again after a failure. Milliseconds. */
const FRESH_MS = 10 * 60_000
const RETRY_MS = 30_000

/** One key for all lists. Another shape gets another key. */
const KEY = 'screening-1'

const NONE: StoredAddresses = { addresses: [], bytes: 0, sha256: '', fetchedAt: 0, triedAt: 0 }

const KIND = {
  accept: 'text/plain',
  maxBytes: MAX_ADDRESS_BYTES,
  read: readAddresses,
  learn: (known: StoredAddresses = NONE, read: ListRead<AddressList>, now: number) =>
    keepLastGood(known, read, now, ({ addresses }) => addresses.length, 'addresses'),
}

/**
 * Reads a list: an address per line, in any case. Empty lines, and lines that begin with `#`, are left out. Any other line
 * refuses the whole list.
 */
export async function readAddresses(text: string): Promise<ListRead<AddressList>> {
  const lines = text.split('\n').map((line) => line.trim())
  const named = lines.filter((line) => line !== '' && !line.startsWith('#'))
  if (named.length === 0) return { fault: 'it must list an address' }
  if (!named.every((line) => /^0x[0-9a-fA-F]{40}$/.test(line)))
    return { fault: 'each line must be an address: 0x and 40 hex digits' }
  return {
    addresses: [...new Set(named.map((line) => line.toLowerCase() as Address))],
    bytes: new TextEncoder().encode(text).length,
    sha256: await sha256Hex(text),
  }
}

/** Reads the stored lists by URL; none where nothing was stored yet. */
export async function readStored(store: AddressStore): Promise<Record<string, StoredAddresses>> {
  return (await store.get<Record<string, StoredAddresses>>(KEY, 'json')) ?? {}
}

/** The lists as an operator sees them: without their addresses. Times are null before the first. `now` in Unix milliseconds. */
export async function viewLists(store: AddressStore, urls: readonly string[], now: number) {
  const stored = await readStored(store)
  return urls.map((url) => {
    const { addresses, bytes, sha256, fetchedAt, triedAt } = stored[url] ?? NONE
    const times = { fetchedAt: fetchedAt || null, triedAt: triedAt || null }
    return { url, addresses: addresses.length, bytes, sha256, ...times, isOld: isOld(fetchedAt, now) }
  })
}

/** Refreshes the lists that are due, and drops those of other URLs. Returns the faults by URL, which it also logs. */
export async function refreshAddresses(
  store: AddressStore,
  urls: readonly string[],
  world: ListWorld,
): Promise<Record<string, string>> {
  const all = Object.entries(await readStored(store))
  const stored = Object.fromEntries(all.filter(([url]) => urls.includes(url)))
  const refreshed = await refreshDue(stored, urls, KIND, world)
  if (!refreshed) return {}
  await store.put(KEY, JSON.stringify(refreshed.lists))
  return refreshed.faults
}

type Copy = ReadonlyMap<string, { addresses: ReadonlySet<Address>; fetchedAt: number }>

const NOTHING: Copy = new Map()

/**
 * One source for all lists. The first request waits for KV, since a listing must hold from the first on; later ones read it
 * again in the background. While KV fails, the last copy holds; without one the answer is `unknown`.
 */
export function listSource(
  store: AddressStore,
  urls: readonly string[],
  background: Background,
): ScreeningSource {
  const { now } = background
  const copies = new IsolateCache<Copy>({
    ...background,
    read: async () => copyOf(await readStored(store)),
    freshMs: FRESH_MS,
    retryMs: RETRY_MS,
    maxEntries: 1,
    report,
  })
  const lookUp = (address: Address, copy: Copy = NOTHING) => verdictIn(copy, urls, address, now())
  return (address) => {
    const copy = copies.get(KEY)
    if (!(copy instanceof Promise)) return lookUp(address, copy)
    return copy.catch(report).then((copy) => lookUp(address, copy ?? NOTHING))
  }
}

function report(fault: unknown): void {
  log('screening_lists_unreadable', { fault })
}

function copyOf(stored: Readonly<Record<string, StoredAddresses>>): Copy {
  return new Map(
    Object.entries(stored).map(([url, { addresses, fetchedAt }]) => [
      url,
      { addresses: new Set(addresses), fetchedAt },
    ]),
  )
}

/** The word of all lists about an address. Pure. `now` in Unix milliseconds. */
function verdictIn(copy: Copy, urls: readonly string[], address: Address, now: number): ScreeningVerdict {
  const lists = urls.map((url) => ({ url, ...(copy.get(url) ?? { addresses: new Set(), fetchedAt: 0 }) }))
  const naming = lists.find(({ addresses }) => addresses.has(address))
  if (naming) return { status: 'listed', list: naming.url, dated: naming.fetchedAt, reason: 'on the list' }
  const old = lists.find(({ fetchedAt }) => isOld(fetchedAt, now))
  if (old) {
    const reason = old.fetchedAt === 0 ? 'the list was never read' : 'the list is too old'
    return { status: 'unknown', list: old.url, dated: old.fetchedAt || null, reason }
  }
  const dated = Math.min(...lists.map(({ fetchedAt }) => fetchedAt))
  return { status: 'clear', list: lists.map(({ url }) => url).join(' '), dated, reason: 'not listed' }
}

function isOld(fetchedAt: number, now: number): boolean {
  return now > fetchedAt + CLEARS_FOR_MS
}
