/** The shape of an explanation, as JSON Schema. */
import { all, amount, count, flag, listOf, orNull, table, text, word } from './json-schema.ts'

const decision = {
  action: word('charge', 'allow', 'block'),
  price: amount,
  rule: text,
  why: text,
  factors: listOf(text),
  asksOrigin: flag,
}
const names = { type: 'object', additionalProperties: text }

/** The paywall's answer to a request, with its reasons. */
export const explanation = table({
  url: text,
  method: text,
  userAgent: text,
  client: table(
    {
      kind: word('crawler', 'reader'),
      name: text,
      class: text,
      claim: word('confirmed', 'refuted', 'unknown'),
      refutation: text,
      reasons: listOf(text),
    },
    ...all('name', 'class', 'claim', 'refutation'),
  ),
  outcome: word('pass', 'charge', 'block', 'refuse'),
  status: orNull(count),
  refusal: orNull(table({ code: text, message: text })),
  decision: orNull(table(decision)),
  readings: listOf(table({ reading: text, ...decision })),
  offers: listOf({ type: 'object' }),
  headers: names,
})
