/** One text for one value, so that it can be signed and hashed: JSON with sorted keys and no spaces. */

/** The values that canonical JSON can contain. Write amounts as strings. */
export type Plain =
  | string
  | number
  | bigint
  | boolean
  | null
  | readonly Plain[]
  | { readonly [key: string]: Plain }

/**
 * The canonical text (RFC 8785, for whole numbers only: nothing here is a fraction). A bigint becomes a string, as on the wire.
 * @throws RangeError for a number that JSON readers could round
 */
export function canonicalJson(value: Plain): string {
  if (typeof value === 'bigint') return `"${value}"`
  if (typeof value === 'number' && !Number.isSafeInteger(value)) throw new RangeError(`not whole: ${value}`)
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  if (isList(value)) return `[${value.map(canonicalJson).join(',')}]`
  const members = Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`)
  return `{${members.join(',')}}`
}

function isList(value: object): value is readonly Plain[] {
  return Array.isArray(value)
}
