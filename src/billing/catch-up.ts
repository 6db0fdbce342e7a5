/** Catches up on a rail's events, so that a lost webhook loses no payment. Each rail has a mark of its own. */

import { type Finding, railFailed } from '../ledger/book/finding.ts'
import { type MissedInvoice, type RailMark, readMark, saveMark } from '../ledger/book/rail-marks.ts'
import { mapConcurrently } from '../platform/pool.ts'
import { DAY_MS } from '../platform/time.ts'
import type { InvoiceRef, Rail } from '../rails/rail.ts'
import type { BillSettings } from './context.ts'
import { recheck } from './payments.ts'

/** How far before its mark a rail's events are read. Stripe resends a webhook for three days. */
const OVERLAP_MS = 4 * DAY_MS

/** How long Stripe keeps its events. */
const RETENTION_MS = 30 * DAY_MS

/** The most invoices that wait in a mark. Beyond it the mark stays, and the events are read again. */
const MAX_MISSED = 1000

type Settings = Pick<BillSettings, 'book' | 'lines' | 'numbers' | 'rails'>
type CaughtUp = { received: bigint; findings: Finding[] }

/**
 * Checks every invoice for which a rail has events since its mark. The mark moves by that rail's success alone: an invoice
 * that cannot be checked is written down beside it and tried again. `now`: Unix ms by the clock of the rails. Returns the
 * payments less reversals, in micro-dollars as a decimal string.
 */
export async function catchUp(
  settings: Settings,
  now: number,
): Promise<{ received: string; findings: Finding[] }> {
  const all = await mapConcurrently(
    Object.values(settings.rails),
    (rail) => catchUpRail(settings, rail, now),
    ({ name }, fault): CaughtUp => ({ received: 0n, findings: [failed(name, fault)] }),
  )
  const received = all.reduce((sum, rail) => sum + rail.received, 0n)
  return { received: received.toString(), findings: all.flatMap(({ findings }) => findings) }
}

async function catchUpRail(settings: Settings, rail: Rail, now: number): Promise<CaughtUp> {
  const { book } = settings
  const mark = await readMark(book, rail.name)
  const events = await rail.since(Math.max(mark.askedUntil - OVERLAP_MS, now - RETENTION_MS))
  const missed: MissedInvoice[] = []
  const findings: Finding[] = []
  const received = await mapConcurrently(
    distinct([...mark.missed, ...events]),
    async (ref) => {
      const before = await settings.lines.getByName(ref.agent).invoice(ref.invoice)
      const checked = before && (await recheck(settings, ref))
      if (!checked) return 0n
      findings.push(...checked.findings)
      return checked.invoice.paid - before.paid
    },
    ({ agent, invoice }, fault) => {
      missed.push({ agent, invoice })
      findings.push(railFailed({ agent, id: invoice }, fault))
      return 0n
    },
  )
  await saveMark(book, rail.name, moved(mark, missed, now))
  return { received: received.reduce((sum, amount) => sum + amount, 0n), findings }
}

function moved(mark: RailMark, missed: MissedInvoice[], now: number): RailMark {
  return missed.length > MAX_MISSED
    ? { askedUntil: mark.askedUntil, missed: missed.slice(0, MAX_MISSED) }
    : { askedUntil: Math.max(mark.askedUntil, now), missed }
}

function distinct(refs: readonly InvoiceRef[]): InvoiceRef[] {
  return [...new Map(refs.map((ref) => [`${ref.agent} ${ref.invoice}`, ref])).values()]
}

function failed(account: string, fault: unknown): Finding {
  return { account, what: 'rail_failed', detail: String(fault) }
}
