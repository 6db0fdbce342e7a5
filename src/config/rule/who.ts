/** The `who` of a rule: words that select clients. */
import * as v from 'valibot'
import type { Asker } from '../../identity/classify.ts'
import { crawlerNamed, robotsOnly } from '../../identity/crawlers.ts'
import { list, readWith } from '../schema.ts'
import { condition } from './term.ts'

/** Selects a crawler by a name that is not in the table: "agent:AcmeBot". */
const UNLISTED = /^agent:([a-z0-9._-]{1,40})$/
const GROUPS: ReadonlySet<string> = new Set([
  'crawlers',
  'everyone',
  'readers',
  'search',
  'training',
  'assistant',
  'other',
])

/** Words of which any suffices; `crawlers` where it is absent. */
export const who = condition({
  want: 'a known crawler, a class or agent:NAME',
  example: '"agent:AcmeBot"',
  schema: v.optional(list(readWith((word) => problemOfWho(word) ?? { value: word })), ['crawlers']),
  compile(words) {
    const asks = compileWho(words)
    return asks && (({ asker }) => asks(asker))
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

function compileWho(words: readonly string[]): ((asker: Asker) => boolean) | undefined {
  const lower = words.map((word) => word.toLowerCase())
  const groups = new Set(lower.filter((word) => GROUPS.has(word)))
  const names = new Set(lower.filter((word) => !GROUPS.has(word)).map((word) => word.replace(/^agent:/, '')))
  if (groups.has('everyone')) return undefined
  return (asker) => {
    if (asker.kind === 'reader') return groups.has('readers')
    if (groups.has('crawlers') || groups.has(asker.class)) return true
    return asker.name !== undefined && names.has(asker.name.toLowerCase())
  }
}
