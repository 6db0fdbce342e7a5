/** One published list: read from its text, and compared with the list that it replaces. Pure. */
import { keepLastGood, type ListRead, type ListTimes } from '../../platform/published-list.ts'
import { compileRanges, type Ranges, rangeOf } from './ranges.ts'

/** A list as it was last accepted. */
export type StoredList = Prefixes & ListTimes

type Prefixes = {
  ranges: Ranges
  /** How many prefixes the operator listed. */
  prefixes: number
}

/** The prefixes of a list, or why it cannot be used. */
export type ReadList = ListRead<Prefixes>

/** A longer list is refused: the largest of 2026 has some 500. */
export const MAX_PREFIXES = 5000
/** A wider prefix is refused: a mistake, or an attack, that would confirm a good part of the internet. */
export const LEAST_PREFIX_LENGTH = 8

const KEYS = ['ipv4Prefix', 'ipv6Prefix', 'ip_prefix', 'ipv6_prefix']

/** Reads a list. One entry that is not a prefix refuses the whole list: its shape is not the one that we can read. */
export function readList(text: string): ReadList {
  const entries = entriesOf(text)
  if (!entries) return { fault: 'it must be JSON with a list of prefixes' }
  if (entries.length === 0) return { fault: 'it must list a prefix' }
  if (entries.length > MAX_PREFIXES) return { fault: `it must list at most ${MAX_PREFIXES} prefixes` }
  const ranges = []
  for (const entry of entries) {
    const range = typeof entry === 'string' ? rangeOf(entry) : null
    if (!range) return { fault: 'each entry must be an IPv4 or IPv6 prefix' }
    if (range.length < LEAST_PREFIX_LENGTH)
      return { fault: `each prefix must have at least ${LEAST_PREFIX_LENGTH} bits` }
    ranges.push(range)
  }
  return { ranges: compileRanges(ranges), prefixes: entries.length }
}

const NONE: StoredList = { ranges: [], prefixes: 0, fetchedAt: 0, triedAt: 0 }

/**
 * The list to store after a try: the new one, or the last good one with the fault. A list of less than half the prefixes is
 * refused, since a list cut short would refute an operator's own crawlers.
 */
export function learnList(
  known: StoredList = NONE,
  read: ReadList,
  now: number,
): { list: StoredList; fault?: string } {
  return keepLastGood(known, read, now, ({ prefixes }) => prefixes, 'prefixes')
}

function entriesOf(text: string): unknown[] | null {
  try {
    const json: unknown = JSON.parse(text)
    if (typeof json !== 'object' || json === null || !('prefixes' in json)) return null
    const { prefixes } = json
    if (!Array.isArray(prefixes)) return null
    return prefixes.map((entry: Record<string, unknown> | null) => {
      const values = KEYS.flatMap((key) => entry?.[key] ?? [])
      return values.length === 1 ? values[0] : null
    })
  } catch {
    return null
  }
}
