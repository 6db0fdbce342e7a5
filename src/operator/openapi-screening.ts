/** The shapes of screening, as JSON Schema. */
import { SCREENED_ACTS } from '../protocol/screening.ts'
import { count, flag, listOf, orNull, table, text, time, word } from './json-schema.ts'

const since = orNull(time)

/** Why an account is held. */
export const hold = table({ address: text, list: text, dated: since, reason: text, since: time })

/** The sources of a deployment, with the size, date and hash of each list, and how each act fails. */
const screening = table({
  oracles: { type: 'object', additionalProperties: text },
  allow: count,
  deny: count,
  failing: table(Object.fromEntries(SCREENED_ACTS.map((act) => [act, word('open', 'closed')]))),
  lists: listOf(
    table({
      url: text,
      addresses: count,
      bytes: count,
      sha256: text,
      fetchedAt: since,
      triedAt: since,
      isOld: flag,
    }),
  ),
})

/** The decisions about one account, oldest first. */
const screenings = table({
  id: text,
  screenings: listOf(
    table({
      seq: count,
      at: time,
      act: word(...SCREENED_ACTS, 'operator'),
      address: text,
      status: word('clear', 'listed', 'unknown', 'released'),
      isAllowed: flag,
      list: text,
      dated: since,
      reason: text,
    }),
  ),
  next: orNull(count),
})

/** A released account, and the hold that has ended. */
const released = table({ id: text, hold: orNull(hold), released: orNull(hold) })

/** The shapes by the names that the OpenAPI document gives them. */
export const screeningSchemas = { Released: released, Screening: screening, Screenings: screenings }
