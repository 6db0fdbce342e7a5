/** Sorted ranges of addresses, IPv4 and IPv6 in one list, and the binary search in them. Pure. */

/**
 * Flat and sorted: the first and last key of each range, in turn. A key is `4` and 8 hex digits or `6` and 32 hex digits, so
 * that texts sort as addresses do. Ranges neither meet nor overlap.
 */
export type Ranges = readonly string[]

const DECIMAL = /^(?:0|[1-9]\d{0,2})$/
const GROUP = /^[0-9a-f]{1,4}$/i

/** The key of an address; null unless the text is one. IPv4 in IPv6 (`::ffff:192.0.2.1`) has the key of the IPv4 address. */
export function keyOf(address: string): string | null {
  if (!address.includes(':')) {
    const digits = hexOfV4(address)
    return digits === null ? null : `4${digits}`
  }
  const digits = hexOfV6(address)
  if (digits === null) return null
  return digits.startsWith('00000000000000000000ffff') ? `4${digits.slice(24)}` : `6${digits}`
}

/** The first and last key of a prefix such as `192.0.2.0/24`, or of an address alone; null unless the text is one. */
export function rangeOf(prefix: string): { from: string; to: string; length: number } | null {
  const [address = '', written, ...more] = prefix.split('/')
  const key = keyOf(address)
  if (key === null || more.length > 0 || (written !== undefined && !DECIMAL.test(written))) return null
  const bits = key.startsWith('4') ? 32 : 128
  const length = written === undefined ? bits : Number(written)
  if (length > bits || (address.includes(':') && bits === 32)) return null
  const rest = BigInt(bits - length)
  const from = (BigInt(`0x${key.slice(1)}`) >> rest) << rest
  const text = (value: bigint) => `${key[0]}${value.toString(16).padStart(bits / 4, '0')}`
  return { from: text(from), to: text(from | ((1n << rest) - 1n)), length }
}

/** Sorts ranges and joins those that overlap or meet. */
export function compileRanges(ranges: readonly { from: string; to: string }[]): Ranges {
  const sorted = ranges.toSorted((one, other) => (one.from < other.from ? -1 : one.from > other.from ? 1 : 0))
  const compiled: string[] = []
  for (const { from, to } of sorted) {
    const last = compiled.at(-1)
    if (last !== undefined && (from <= last || from === next(last))) {
      if (to > last) compiled[compiled.length - 1] = to
    } else compiled.push(from, to)
  }
  return compiled
}

/** Whether a key lies in one of the ranges: a binary search. */
export function contains(ranges: Ranges, key: string): boolean {
  let [low, high] = [0, ranges.length / 2]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((ranges[2 * middle + 1] ?? '') < key) low = middle + 1
    else high = middle
  }
  const from = ranges[2 * low]
  return from !== undefined && from <= key
}

/** The key after this one. The last of its family has none: its text then has a digit more, which no key equals. */
function next(key: string): string {
  return `${key[0]}${(BigInt(`0x${key.slice(1)}`) + 1n).toString(16).padStart(key.length - 1, '0')}`
}

/** Every request of a crawler with a list comes here, so this reads characters and makes no arrays. */
function hexOfV4(text: string): string | null {
  let [address, octet, digits, dots] = [0, 0, 0, 0]
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 46) {
      if (digits === 0) return null
      address = address * 256 + octet
      octet = 0
      digits = 0
      dots++
    } else if (code < 48 || code > 57 || (digits > 0 && octet === 0)) return null
    else {
      octet = octet * 10 + code - 48
      digits++
      if (octet > 255) return null
    }
  }
  if (dots !== 3 || digits === 0) return null
  return (address * 256 + octet).toString(16).padStart(8, '0')
}

function hexOfV6(text: string): string | null {
  const [head = '', tail, ...more] = text.split('::')
  if (more.length > 0) return null
  const before = groupsOf(head, tail === undefined)
  const after = tail === undefined ? '' : groupsOf(tail, true)
  if (before === null || after === null) return null
  const missing = 32 - before.length - after.length
  if (tail === undefined ? missing !== 0 : missing < 4) return null
  return `${before}${'0'.repeat(missing)}${after}`
}

/** The hex digits of groups with colons between. `last`: the final group may be an IPv4 address. */
function groupsOf(text: string, last: boolean): string | null {
  if (text === '') return ''
  const groups = text.split(':')
  let digits = ''
  for (const [index, group] of groups.entries()) {
    const embedded = last && index === groups.length - 1 && group.includes('.') ? hexOfV4(group) : undefined
    if (embedded === null || (embedded === undefined && !GROUP.test(group))) return null
    digits += embedded ?? group.toLowerCase().padStart(4, '0')
  }
  return digits
}
