/** The billing part of a settlement run: what the rails remember, then every credit line, a page at a time. */

import { lastBilled } from '../ledger/book/accounts.ts'
import { relist } from '../ledger/book/credit.ts'
import { REGISTRY } from '../ledger/credit/agents.ts'
import type { Finding } from '../settlement/findings.ts'
import type { Report } from '../settlement/report.ts'
import type { Steps } from '../settlement/run.ts'
import { type Billed, type BillSettings, billPage } from './nightly.ts'
import { catchUp } from './payments.ts'

const DAY = 86_400_000

/** How long before the last good run the rails are asked from. A card processor sends a webhook again for three days. */
const OVERLAP = 4 * DAY

/** How long a card processor remembers what happened. */
const MEMORY = 30 * DAY

/** Opened anew in each step: a step may run long after the one before it. */
export type OpenBill = () => Promise<BillSettings>

/** Bills all lines for the moment `now` (Unix ms). One line's trouble, or one rail's, is a finding and stops no other. */
export async function billAll(open: OpenBill, steps: Steps, report: Report, now: number): Promise<void> {
  report.found(await steps.do('list the lines', async () => listAll(await open())))
  report.caughtUp(await steps.do('ask the rails', async () => askRails(await open(), Date.now())))
  let after: string | null = ''
  for (let page = 1; after !== null; page++) {
    const from: string = after
    const billed: Billed = await steps.do(`bill ${page}`, async () => billPage(await open(), from, now))
    report.billed(billed)
    after = billed.next
  }
}

/** Those that are listed are billed also while the registry does not answer. */
async function listAll({ book, agents }: BillSettings): Promise<Finding[]> {
  try {
    if (agents) await relist(book, agents.getByName(REGISTRY))
    return []
  } catch (fault) {
    return [{ account: REGISTRY, what: 'silent', detail: String(fault) }]
  }
}

/** Asks from before the last good run on, however long ago that is. The rails keep real time, whatever moment is billed. */
async function askRails(settings: BillSettings, now: number) {
  const last = await lastBilled(settings.book)
  return catchUp(settings, Math.max((last ?? 0) - OVERLAP, now - MEMORY))
}
