/** The billing part of a settlement run: what the rails remember, then every credit line, a page at a time. */

import { countLines, listLines } from '../ledger/book/credit.ts'
import type { Finding } from '../ledger/book/finding.ts'
import { lastBilled } from '../ledger/book/runs.ts'
import { type Agent, type Agents, REGISTRY } from '../ledger/credit/agents.ts'
import type { Steps } from '../platform/steps.ts'
import { DAY_MS } from '../platform/time.ts'
import type { BillSettings } from './context.ts'
import { type Billed, billPage } from './nightly.ts'
import { catchUp } from './payments.ts'

/** How long before the last good run the rails are asked from. A card processor sends a webhook again for three days. */
const OVERLAP = 4 * DAY_MS

/** How long a card processor remembers what happened. */
const MEMORY = 30 * DAY_MS

/** Opened anew in each step: a step may run long after the one before it. */
export type OpenBill = () => Promise<BillSettings>

/** Where a billing run reports to, as it goes. */
export type BillReport = {
  found(findings: Finding[]): void
  /** `received`: micro-dollars, as a decimal string. */
  caughtUp(caughtUp: { received: string; findings: Finding[] }): void
  billed(page: Billed): void
}

/** Agents read from the registry at once. */
const REGISTRY_PAGE = 500

/** Bills all lines for the moment `now` (Unix ms). One line's trouble, or one rail's, is a finding and stops no other. */
export async function billAll(open: OpenBill, steps: Steps, report: BillReport, now: number): Promise<void> {
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

/** Lists every agent of the registry, unless the read model lists as many: one that was lost lists none. */
async function relist(book: D1Database, registry: DurableObjectStub<Agents>): Promise<void> {
  const [agents, listed] = await Promise.all([registry.count(), countLines(book)])
  if (listed >= agents) return
  for (let after: string | undefined = ''; after !== undefined; ) {
    const page: Agent[] = await registry.list(after, REGISTRY_PAGE)
    await listLines(
      book,
      page.map(({ id, name, createdAt }) => ({ id, name, openedAt: createdAt })),
    )
    after = page.at(-1)?.id
  }
}

/** Asks from before the last good run on, however long ago that is. The rails keep real time, whatever moment is billed. */
async function askRails(settings: BillSettings, now: number) {
  const last = await lastBilled(settings.book)
  return catchUp(settings, Math.max((last ?? 0) - OVERLAP, now - MEMORY))
}
