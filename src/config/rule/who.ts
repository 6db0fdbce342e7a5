/** The `who` of a rule: words that select clients. */
import * as v from 'valibot'
import type { Asker } from '../../identity/classify.ts'
import { CRAWLER_CLASSES, crawlerNamed, robotsOnly } from '../../identity/crawlers.ts'
import type { Action } from '../../paywall/policy.ts'
import { list, readWith } from '../../platform/schema.ts'
import { condition } from './term.ts'

/** Selects a crawler by a name that is not in the table: "agent:AcmeBot". A version after the name is ignored. */
const UNLISTED = /^agent:((?=.{1,40}(?:\/|$))[a-z0-9._-]+(?: [a-z0-9._-]+)*)(?:\/[\w.]*)?$/
const GROUPS: ReadonlySet<string> = new Set(['crawlers', 'everyone', 'readers', ...CRAWLER_CLASSES])

/** Words of which any suffices; `crawlers` where it is absent. */
export const who = condition({
  want: 'a known crawler, a class or agent:NAME',
  example: '"agent:AcmeBot"',
  schema: v.optional(list(readWith((word) => problemOfWho(word) ?? { value: word })), ['crawlers']),
  compile(words, action) {
    const asks = compileWho(words, action)
    return asks && (({ asker }) => asks(asker))
  },
  scope: (words) => {
    const keys = words.map((word) => word.toLowerCase())
    const askers = keys.map((key) => (GROUPS.has(key) ? key : nameOf(key)))
    return { askers: keys.includes('everyone') ? undefined : askers }
  },
  describe: (words) => words.join(', '),
})

/** Why a word selects no client, as a message that begins with "must"; undefined if it selects one. */
function problemOfWho(word: string): string | undefined {
  const lower = word.toLowerCase()
  const fetcher = robotsOnly.get(lower)
  if (fetcher)
    return `must name a crawler that sends requests: ${fetcher} fetches for this token of robots.txt`
  const known = GROUPS.has(lower) || UNLISTED.test(lower) || crawlerNamed(lower)
  return known ? undefined : 'must be a known crawler, a class or agent:NAME'
}

/**
 * Threat: anyone can send a name, so an `allow` does not count one that the evidence refutes. Such a client is a crawler
 * without a name there. A `charge` or `block` by name covers it all the same.
 */
function compileWho(words: readonly string[], action: Action): ((asker: Asker) => boolean) | undefined {
  const lower = words.map((word) => word.toLowerCase())
  const groups = new Set(lower.filter((word) => GROUPS.has(word)))
  const names = new Set(lower.filter((word) => !GROUPS.has(word)).map(nameOf))
  if (groups.has('everyone')) return undefined
  return (asker) => {
    if (asker.kind === 'reader') return groups.has('readers')
    if (groups.has('crawlers')) return true
    if (action === 'allow' && asker.claim === 'refuted') return groups.has('other')
    return groups.has(asker.class) || (asker.name !== undefined && names.has(asker.name.toLowerCase()))
  }
}

/** The name that clients get: the table's for another token of the same crawler. */
function nameOf(word: string): string {
  const name = UNLISTED.exec(word)?.[1] ?? word
  return (crawlerNamed(name)?.name ?? name).toLowerCase()
}
