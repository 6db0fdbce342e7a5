/** The addresses that operators of crawlers publish, for one run of a command. */
import type { Published } from '../identity/claim.ts'
import { publishedIn } from '../identity/published/published.ts'
import { refreshLists } from '../identity/published/refresh.ts'
import type { ListWorld } from '../platform/published-list.ts'
import { talk } from './command.ts'

/** The copy that the package ships. It confirms, and refutes nothing. */
export function shippedLists(): Published {
  return publishedIn({}, Date.now)
}

/** Fetches every list from its operator, as the Worker's cron does. Says on stderr how many are missing; the cron's own lines name them. */
export async function fetchLists(world: ListWorld = { fetch, now: Date.now }): Promise<Published> {
  let stored = '{}'
  const store = {
    get: async () => JSON.parse(stored),
    put: async (_: string, text: string) => {
      stored = text
    },
  }
  const faults = await refreshLists(store, world)
  const missing = Object.keys(faults).length
  if (missing > 0) talk(`note: lists that could not be fetched: ${missing}. They refute nothing.`)
  return publishedIn(JSON.parse(stored), world.now)
}
