/** The billing part of a settlement run: what the rails remember, then every credit line, a page at a time. */
import { type Billed, type BillSettings, billPage } from './bill.ts'
import { catchUp } from './receive.ts'
import type { Report } from './report.ts'
import type { Steps } from './run.ts'

/** How far back the rails are asked what happened. A card processor sends a webhook again for three days. */
const LOOK_BACK = 4 * 86_400_000

/** Opened anew in each step: a step may run long after the one before it. */
export type OpenBill = () => Promise<BillSettings>

/** Bills all lines for the moment `now` (Unix ms). One line's trouble, or one rail's, is a finding and stops no other. */
export async function billAll(open: OpenBill, steps: Steps, report: Report, now: number): Promise<void> {
  report.caughtUp(await steps.do('ask the rails', async () => catchUp(await open(), now - LOOK_BACK)))
  let after: string | null = ''
  for (let page = 1; after !== null; page++) {
    const from: string = after
    const billed: Billed = await steps.do(`bill ${page}`, async () => billPage(await open(), from, now))
    report.billed(billed)
    after = billed.next
  }
}
