/** The `country` of a rule: where the request comes from, as Cloudflare says. */
import * as v from 'valibot'
import { list, readWith } from '../../platform/schema.ts'
import { condition } from './term.ts'

/** Codes that people write for a country and that ISO 3166 does not have. */
const OTHERS: Readonly<Record<string, string>> = {
  UK: 'must be "GB" for the United Kingdom',
  EU: 'must list single countries, such as "DE"',
  XX: 'must be "none" for requests without a country',
}

/** One or more countries; all requests where it is absent. */
export const country = condition({
  want: 'an ISO 3166 code of two capital letters, "T1" (Tor), "none" or a list of them',
  example: '["DE", "AT"]',
  schema: v.optional(
    list(
      readWith((code) => {
        if (OTHERS[code]) return OTHERS[code]
        return /^(?:[A-Z]{2}|T1|none)$/.test(code) ? { value: code } : null
      }),
    ),
  ),
  compile(read) {
    if (!read) return undefined
    const countries = new Set(read)
    return ({ country = 'none' }) => countries.has(country)
  },
  describe: (read) => read && `from ${read.join(', ')}`,
})
