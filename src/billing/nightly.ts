/** The bill of a night: for each credit line, state what ended, invoice it, hand it to its rail, see what came in, dun. */

import { owedOn } from '../ledger/billing/dunning.ts'
import { periodOf } from '../ledger/billing/period.ts'
import type { DunningStep, InvoiceStanding, StatementHead } from '../ledger/billing/types.ts'
import {
  type LineListing,
  lines as listLines,
  projectLines,
  saveInvoices,
  saveStatements,
} from '../ledger/book/credit.ts'
import { type Finding, railFailed } from '../ledger/book/finding.ts'
import type { LineBill } from '../ledger/credit/contract.ts'
import type { CreditLine } from '../ledger/credit/credit-line.ts'
import { mapConcurrently } from '../platform/pool.ts'
import { canonicalJson } from '../protocol/encoding/canonical-json.ts'
import { type BillSettings, NUMBERS } from './context.ts'
import { giveBack } from './credit-released.ts'
import { draftInvoice, INVOICES, numbered, numberKey } from './invoice.ts'
import { checkInvoice } from './payments.ts'
import { tell } from './webhook.ts'

/** What the bill came to. Sums are decimal strings of micro-dollars. */
export type BillSums = {
  lines: number
  statements: number
  stated: string
  invoices: number
  /** Without VAT. */
  invoiced: string
  /** What this run has seen come in, with VAT, less what was taken back. */
  received: string
  /** Dunning steps that the operator was told of, or should have been. */
  steps: number
}

/** One page of the bill: plain JSON. */
export type Billed = { sums: BillSums; findings: Finding[]; next: string | null }

export const NO_BILL: BillSums = {
  lines: 0,
  statements: 0,
  stated: '0',
  invoices: 0,
  invoiced: '0',
  received: '0',
  steps: 0,
}

/** Lines in one step of a run. Each may ask its rail half a dozen times, and a step may ask the world so often only. */
export const BILL_PAGE = 200

type Outcome = {
  bill: LineBill | null
  /** Whether nothing was noted on the line that its bill does not know of. */
  still: boolean
  statements: StatementHead[]
  invoiced: bigint
  received: bigint
  steps: DunningStep[]
  findings: Finding[]
}

type Line = DurableObjectStub<CreditLine>

/**
 * Bills one page of lines. Work is found in the lines, not in the clock: what an earlier night has missed is done now, and
 * doing a page again makes nothing twice. `now` (Unix ms) is the moment the run is for.
 */
export async function billPage(settings: BillSettings, after: string, now: number): Promise<Billed> {
  const listed = await listLines(settings.book, after, BILL_PAGE)
  const outcomes = await mapConcurrently(
    listed,
    (listing) => billListed(settings, listing, now),
    ({ id }, fault) => nothing([{ account: id, what: 'silent', detail: String(fault) }]),
  )
  await project(settings, listed, outcomes, now)
  const statements = outcomes.flatMap((outcome) => outcome.statements)
  const sums: BillSums = {
    lines: listed.length,
    statements: statements.length,
    stated: sum(statements.map(({ total }) => total)),
    invoices: outcomes.filter(({ invoiced }) => invoiced > 0n).length,
    invoiced: sum(outcomes.map(({ invoiced }) => invoiced)),
    received: sum(outcomes.map(({ received }) => received)),
    steps: outcomes.reduce((count, { steps }) => count + steps.length, 0),
  }
  return {
    sums,
    findings: outcomes.flatMap(({ findings }) => findings),
    next: listed.length < BILL_PAGE ? null : (listed.at(-1)?.id ?? null),
  }
}

/** A line is listed before it is opened: what has died in between is listed for nothing. */
async function billListed(
  settings: BillSettings,
  { id, totals }: LineListing,
  now: number,
): Promise<Outcome> {
  const isOpen = totals !== null || (await settings.lines.getByName(id).standing()) !== null
  return isOpen ? billLine(settings, id, now) : nothing([])
}

/** Bills one line. */
async function billLine(settings: BillSettings, id: string, now: number): Promise<Outcome> {
  const line = settings.lines.getByName(id)
  const { bill, statements } = await closePeriods(line, await line.bill(), now)
  const invoice = await issue(settings, line, bill, now)
  const due = [...bill.invoices, ...(await settledSince(line, bill)), ...(invoice ? [invoice] : [])]
  const collected = await collect(settings, line, due, bill.excess > 0n ? now : null)
  // An idle line is asked once, and told nothing.
  const idle = due.length === 0 && bill.pendingSteps.length === 0
  const steps = idle ? [] : await dunLine(settings, line, now, collected.failed)
  const before = new Map(due.map((known) => [known.id, known.paid]))
  const looked = new Set(due)
  return {
    bill,
    still: !invoice && steps.length === 0 && collected.invoices.every((known) => looked.has(known)),
    statements,
    invoiced: invoice?.net ?? 0n,
    received: collected.invoices.reduce((sum, { id, paid }) => sum + paid - (before.get(id) ?? 0n), 0n),
    steps,
    findings: [...railless(settings, bill), ...collected.findings],
  }
}

/** What is stated and cannot be invoiced, since the terms name a rail that is not set up (any more). */
function railless({ rails }: BillSettings, { agent: account, terms, uninvoiced }: LineBill): Finding[] {
  if (uninvoiced.length === 0 || rails[terms.rail]) return []
  return [{ account, what: 'rail_failed', detail: `there is no rail "${terms.rail}" here` }]
}

/**
 * Takes the steps that are due and tells the operator. Answers all that were untold, told now or not. The steps of `held`
 * invoices are told another time: a look at them is still owed.
 */
export async function dunLine(
  { dunning, webhook }: Pick<BillSettings, 'dunning' | 'webhook'>,
  line: Line,
  now: number,
  held: ReadonlySet<string> = new Set(),
): Promise<DunningStep[]> {
  const steps = await line.dun(now, dunning)
  const free = steps.filter(({ invoice }) => !held.has(invoice))
  const told = await tell(free, webhook)
  if (told.length > 0) await line.notified(told)
  return steps
}

/** Invoices that were settled since the last night: one that a credit note has settled may still be open at its rail. */
async function settledSince(line: Line, { pendingSteps }: LineBill): Promise<InvoiceStanding[]> {
  const ids = new Set(pendingSteps.filter(({ stage }) => stage === 'settled').map(({ invoice }) => invoice))
  const found = await Promise.all([...ids].map((id) => line.invoice(id)))
  return found.flatMap((invoice) => (invoice?.stage === 'settled' ? invoice : []))
}

/** States every period that ended by `now`, the oldest first. */
async function closePeriods(line: Line, first: LineBill, now: number) {
  const statements: StatementHead[] = []
  let bill = first
  let closed = Number.NEGATIVE_INFINITY
  while (bill.unstated !== null) {
    // Clocks differ: an entry may bear a time in a period that is closed already. It is stated with the next one.
    const period = periodOf(bill.terms.period, bill.unstated > closed ? bill.unstated : closed)
    if (period.to > now) break
    await line.close(period)
    closed = period.to
    const before = new Set(bill.uninvoiced.map(({ period }) => period.id))
    bill = await line.bill()
    statements.push(...bill.uninvoiced.filter(({ period }) => !before.has(period.id)))
  }
  return { bill, statements }
}

/** Invoices what is stated. The number is taken first; a run that dies after it finds the same number again. */
async function issue(
  { rails, seller, dunning, numbers }: BillSettings,
  line: Line,
  bill: LineBill,
  now: number,
): Promise<InvoiceStanding | null> {
  const rail = rails[bill.terms.rail]
  const draft = rail ? draftInvoice(bill, seller, rail, dunning, now) : null
  if (!draft) return null
  const number = await numbers.getByName(NUMBERS).issue(INVOICES, numberKey(draft))
  return line.invoiced(numbered(draft, number))
}

/**
 * Hands over what was not handed over yet, and asks about the rest. One invoice's trouble keeps back no other. With a moment to
 * give back at, what was released since is taken off, the newest invoice first.
 */
async function collect(
  settings: BillSettings,
  line: Line,
  due: readonly InvoiceStanding[],
  giveBackAt: number | null,
) {
  const { rails } = settings
  const invoices: InvoiceStanding[] = []
  const findings: Finding[] = []
  const failed = new Set<string>()
  for (const invoice of due.toReversed()) {
    const { id } = invoice
    const rail = rails[invoice.rail]
    try {
      if (!rail) throw new Error(`there is no rail "${invoice.rail}" here`)
      const presented = await rail.present(invoice)
      const isThere = canonicalJson(presented) === canonicalJson(invoice.presented)
      const handed = isThere ? invoice : await line.presented(id, presented)
      const looked = await checkInvoice(settings, line, handed)
      const given = giveBackAt === null ? looked : await giveBack(settings, line, looked.invoice, giveBackAt)
      const found = given === looked ? looked.findings : [...looked.findings, ...given.findings]
      invoices.push(given.invoice)
      findings.push(...found)
      // What is settled here is looked at again for its untold step, until the rail knows why.
      const isUntold = found.some(({ what }) => what === 'rail_failed')
      if (isUntold && owedOn(given.invoice) === 0n) failed.add(id)
    } catch (fault) {
      invoices.push(invoice)
      failed.add(id)
      findings.push(railFailed(invoice, fault))
    }
  }
  findings.push(...invoices.flatMap(overpaid))
  return { invoices, findings, failed }
}

function overpaid({ agent: account, id, total, paid, credited }: InvoiceStanding): Finding[] {
  const over = paid + credited - total
  return over > 0n ? [{ account, what: 'overpaid', detail: `${id} by ${over}` }] : []
}

/**
 * Writes into the book what the lines have to say since it last heard of them, be it of this night or of one that died before it
 * could. Lines that moved nothing since are not asked.
 */
async function project(
  { book, lines }: BillSettings,
  listed: readonly LineListing[],
  outcomes: readonly Outcome[],
  now: number,
): Promise<void> {
  const moved = listed.filter(({ totals, cursor }, at) => {
    const { bill, still } = outcomes[at] ?? nothing([])
    return bill && !(still && cursor === bill.last && totals?.charged === bill.charged)
  })
  const asked = await mapConcurrently(
    moved,
    ({ id, cursor }) => lines.getByName(id).news(cursor ?? 0),
    () => null,
  )
  const news = asked.flatMap((each) => each ?? [])
  await saveStatements(
    book,
    news.flatMap(({ statements, standing: { enrolment } }) =>
      statements.map((statement) => ({ ...statement, agent: enrolment.agent })),
    ),
  )
  await saveInvoices(
    book,
    news.flatMap(({ invoices }) => invoices),
  )
  // Last: until it is written, all this is told again.
  await projectLines(
    book,
    news.map(({ standing, last }) => ({ ...standing, cursor: last })),
    now,
  )
}

function nothing(findings: Finding[]): Outcome {
  return { bill: null, still: true, statements: [], invoiced: 0n, received: 0n, steps: [], findings }
}

function sum(amounts: readonly bigint[]): string {
  return amounts.reduce((total, amount) => total + amount, 0n).toString()
}
