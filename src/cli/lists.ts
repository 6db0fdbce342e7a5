/** The addresses that operators of crawlers publish, for one run of a command. */
import type { Published } from '../identity/claim.ts'
import { publishedIn } from '../identity/published/published.ts'
import { refreshLists } from '../identity/published/refresh.ts'
import { talk } from './command.ts'

/** The copy that the package ships. It confirms, and refutes nothing. */
export function shippedLists(): Published {
  return publishedIn({}, Date.now)
}

/** Fetches every list from its operator, as the Worker's cron does. Says on stderr which ones are missing. */
export async function fetchLists(): Promise<Published> {
  let stored = '{}'
  const store = {
    get: async () => JSON.parse(stored),
    put: async (_: string, text: string) => {
      stored = text
    },
  }
  const faults = await refreshLists(store, { fetch, now: Date.now })
  for (const [url, fault] of Object.entries(faults)) talk(`note: ${url} refutes nothing: ${fault}`)
  return publishedIn(JSON.parse(stored), Date.now)
}
