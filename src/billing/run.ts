/**
 * The billing half of a nightly run: restores lost lines, reads missed events of the rails, then bills every line by
 * page.
 */

import { countLines, listLines } from '../ledger/book/credit.ts'
import type { Finding } from '../ledger/book/finding.ts'
import { type Agent, REGISTRY } from '../ledger/credit/agent.ts'
import type { Agents } from '../ledger/credit/agents.ts'
import type { Steps } from '../platform/steps.ts'
import { catchUp } from './catch-up.ts'
import type { BillSettings } from './context.ts'
import { type Billed, billPage, isNaming, markNamed } from './nightly.ts'

/** Opens the bindings. Each step opens them again, since it may run long after the one before. */
export type OpenBill = () => Promise<BillSettings>

/** Receives the results of a billing run, step by step. */
export type BillReport = {
  found(findings: Finding[]): void
  /** `received`: micro-dollars, as a decimal string. */
  caughtUp(caughtUp: { received: string; findings: Finding[] }): void
  billed(page: Billed): void
}

/** Agents per read of the registry. */
const REGISTRY_PAGE = 500

/**
 * Bills all lines for the moment `now` (Unix ms). A line or rail that fails is a finding, and does not stop the others.
 */
export async function billAll(open: OpenBill, steps: Steps, report: BillReport, now: number): Promise<void> {
  report.found(await steps.do('list the lines', async () => restoreLines(await open())))
  // Rails date their events by the clock, whatever moment is billed.
  const caughtUp = await steps.do('ask the rails', async () => catchUp(await open(), Date.now()))
  report.caughtUp(caughtUp)
  let after: string | null = ''
  for (let page = 1; after !== null; page++) {
    const from: string = after
    const billed: Billed = await steps.do(`bill ${page}`, async () => billPage(await open(), from, now))
    report.billed(billed)
    if (isNaming(billed))
      await steps.do(`name ${page}`, async () => {
        await markNamed(await open(), billed)
        return null
      })
    after = billed.next
  }
}

/** If the registry does not respond, the run still bills the lines that are listed. */
async function restoreLines({ book, agents }: BillSettings): Promise<Finding[]> {
  try {
    if (agents) await listFromRegistry(book, agents.getByName(REGISTRY))
    return []
  } catch (fault) {
    return [{ account: REGISTRY, what: 'silent', detail: String(fault) }]
  }
}

/** Lists every agent of the registry, unless the read model has as many rows: a lost read model has none. */
async function listFromRegistry(book: D1Database, registry: DurableObjectStub<Agents>): Promise<void> {
  const [agents, listed] = await Promise.all([registry.count(), countLines(book)])
  if (listed >= agents) return
  for (let after: string | undefined = ''; after !== undefined; ) {
    const page: Agent[] = await registry.list(after, REGISTRY_PAGE)
    await listLines(
      book,
      page.map(({ id, name, createdAt: openedAt }) => ({ id, name, openedAt, relistedAt: Date.now() })),
    )
    after = page.at(-1)?.id
  }
}
