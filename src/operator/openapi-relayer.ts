/** The shape of the relayer's state, as JSON Schema. */
import { count, hex, listOf, orNull, table, text, time } from './json-schema.ts'

const nonces = listOf(table({ first: count, last: count, at: time }))

/** The nonces of the relayer's key. */
export const relayer = table({
  network: text,
  address: hex,
  mined: orNull(count),
  next: count,
  open: count,
  missing: nonces,
  taken: nonces,
  filled: nonces,
})
