/** The TDM Reservation Protocol (w3.org/community/reports/tdmrep): `/.well-known/tdmrep.json` and the headers of a page. */
import type { Policy } from '../paywall/policy.ts'
import { pruned } from './order.ts'
import { ofClass, sectionsOf } from './sections.ts'

/** One row of the file. The first that covers a page holds. */
type Row = { location: string; 'tdm-reservation': 0 | 1; 'tdm-policy'?: string }

/** Writes tdmrep.json: always a list. Pages for which it depends on more than the path are reserved. `license`: the URL of license.xml. */
export function tdmrep(policy: Policy, license: string | undefined): Row[] {
  const sections = sectionsOf(policy, 'GET', [ofClass('training')]).flatMap(
    ({ pattern, glob, said: [said] }) =>
      said === undefined ? [] : [{ pattern, glob, free: said !== 'unsaid' && said.action === 'allow' }],
  )
  const rows = pruned(sections, (one, other) => one.free === other.free)
  return rows.map(({ pattern: location, free }) =>
    free
      ? { location, 'tdm-reservation': 0 }
      : { location, 'tdm-reservation': 1, ...(license !== undefined && { 'tdm-policy': license }) },
  )
}
