/** The nightly billing run, a page of credit lines at a time: statements, invoice, payments, dunning, read model. */

import { isAsked, overpaidOn } from '../ledger/billing/dunning.ts'
import { periodOf } from '../ledger/billing/period.ts'
import type { DunningStep, InvoiceStanding, Overpayment, StatementHead } from '../ledger/billing/types.ts'
import { clearRelisted, KIND } from '../ledger/book/accounts.ts'
import { type LineListing, lines as listLines } from '../ledger/book/credit.ts'
import { compareListing, type Finding, railFailed } from '../ledger/book/finding.ts'
import type { LineBill } from '../ledger/credit/contract.ts'
import { checkReports, type ReportingAccount } from '../ledger/figures/check.ts'
import { mapConcurrently } from '../platform/pool.ts'
import { notConfigured } from '../rails/index.ts'
import { type BillSettings, type CreditLineStub, NUMBERS } from './context.ts'
import { issueDraft } from './credit-note.ts'
import { dunLine } from './dun.ts'
import { draftInvoice, INVOICES, numbered, numberKey } from './invoice.ts'
import { type CollectedInvoices, collectInvoices } from './payments.ts'
import { projectBilledLines } from './project.ts'

/** Totals of a billing run. Sums are micro-dollars as decimal strings. */
export type BillSums = {
  lines: number
  statements: number
  stated: string
  invoices: number
  /** Without VAT. */
  invoiced: string
  /** Payments that this run has recorded, less reversals, with VAT. */
  received: string
  /** Dunning steps that were pending, delivered or not. */
  steps: number
}

/**
 * The result of one page, as plain JSON. `next`: the line that the next page follows; null after the last page. `overpaid`: by
 * agent, the overpayments that no later run must name, in micro-dollars as decimal strings by invoice.
 */
export type Billed = {
  sums: BillSums
  findings: Finding[]
  overpaid: Record<string, Record<string, string>>
  next: string | null
}

/** The totals before the first page. */
export const NO_BILL: BillSums = {
  lines: 0,
  statements: 0,
  stated: '0',
  invoices: 0,
  invoiced: '0',
  received: '0',
  steps: 0,
}

/** Lines in one step of a run. Each may call its rail several times, and the platform limits the calls of a step. */
export const BILL_PAGE = 200

type Outcome = {
  bill: LineBill | null
  /** Whether billing recorded nothing that `bill` does not contain. */
  isUnchanged: boolean
  statements: StatementHead[]
  /** The invoices that the run has issued. */
  issued: InvoiceStanding[]
  received: bigint
  steps: DunningStep[]
  findings: Finding[]
  overpaid: readonly Overpayment[]
}

/**
 * Bills the page of lines after `after`, for the moment `now` (Unix ms). Each line's own entries decide what is left to
 * do, so a page catches up on missed runs, and repeating it creates nothing twice.
 */
export async function billPage(settings: BillSettings, after: string, now: number): Promise<Billed> {
  const page = await listLines(settings.book, after, BILL_PAGE)
  const billed = await mapConcurrently(
    page,
    async (listed) => ({ listed, ...(await billLine(settings, listed, now)) }),
    (listed, fault) => ({
      listed,
      ...noOutcome([{ account: listed.id, what: 'silent', detail: String(fault) }]),
    }),
  )
  const unreported = await checkReports(settings.book, KIND.credit, changed(settings, billed))
  await projectBilledLines(settings, billed, now)
  const statements = billed.flatMap((line) => line.statements)
  const issued = billed.flatMap((line) => line.issued)
  const sums: BillSums = {
    lines: page.length,
    statements: statements.length,
    stated: sum(statements.map(({ total }) => total)),
    invoices: issued.length,
    invoiced: sum(issued.map(({ net }) => net)),
    received: sum(billed.map(({ received }) => received)),
    steps: billed.reduce((count, { steps }) => count + steps.length, 0),
  }
  return {
    sums,
    findings: [...compareListing(page), ...billed.flatMap(({ findings }) => findings), ...unreported],
    overpaid: Object.fromEntries(
      billed.flatMap(({ listed, overpaid }) =>
        overpaid.length > 0
          ? [[listed.id, Object.fromEntries(overpaid.map(({ invoice, amount }) => [invoice, `${amount}`]))]]
          : [],
      ),
    ),
    next: page.length < BILL_PAGE ? null : (page.at(-1)?.id ?? null),
  }
}

/** Whether {@link markNamed} has something to do. */
export function isNaming({ findings }: Pick<Billed, 'findings'>): boolean {
  return findings.some(({ what }) => what === 'overpaid' || what === 'relisted')
}

/**
 * Marks overpayments and rows that were written again as named, once the findings are stored: a run that stops before leaves
 * them to the next one. A line that does not respond is named again.
 */
export async function markNamed(
  { book, lines }: BillSettings,
  { findings, overpaid }: Pick<Billed, 'findings' | 'overpaid'>,
): Promise<void> {
  await clearRelisted(book, 'line', findings)
  await mapConcurrently(
    Object.entries(overpaid),
    async ([agent, amounts]) => {
      const named = Object.entries(amounts).map(([invoice, amount]) => ({ invoice, amount: BigInt(amount) }))
      await lines.getByName(agent).named(named)
    },
    () => undefined,
  )
}

/** The lines that have charged since the last run, or have charges to bill. */
function changed(
  { lines }: BillSettings,
  billed: { listed: LineListing; bill: LineBill | null }[],
): ReportingAccount[] {
  return billed.flatMap(({ listed: { id, totals }, bill }) =>
    bill && (bill.unstated !== null || totals?.charged !== bill.charged)
      ? [{ id, report: async () => lines.getByName(id).report() }]
      : [],
  )
}

/** Bills one line: issues statements, invoices them, collects what is due, and duns what is late. */
async function billLine(settings: BillSettings, { id, totals }: LineListing, now: number): Promise<Outcome> {
  const line = settings.lines.getByName(id)
  // A line is listed before it is opened; a crash in between leaves a row without a line.
  if (totals === null && (await line.standing()) === null) return noOutcome([])
  const closed = await closePeriods(line, await line.bill(), now)
  const noted = await issueLeftNotes(settings, line, closed.bill)
  const { bill, issued } = await issueInvoices(settings, line, noted.bill, now)
  const missing = withoutRail(settings, bill)
  const attempted = new Set(bill.attempted.map(({ id }) => id))
  // Crediting what was released begins with the newest invoice, whatever its stage.
  const asked = bill.invoices.filter(
    (each) => bill.excess > 0n || attempted.has(each.id) || isAsked(each, settings.dunning, now),
  )
  const due = [...asked, ...(await settledSince(line, bill))]
  const collected = await collectInvoices(settings, line, due, bill.excess > 0n ? now : null)
  // An idle line costs one call.
  const isIdle = due.length + bill.pendingSteps.length + bill.overpaid.length === 0
  const { mayTell, mayName } = asRead(collected, bill)
  const dunned = isIdle ? bill : await dunLine(settings, line, now, mayTell)
  const { pendingSteps: steps, overpaid } = dunned
  return {
    bill,
    isUnchanged: steps.length === 0 && !collected.hasChanged,
    statements: closed.statements,
    issued,
    received: collected.received,
    steps,
    findings: [
      ...missing,
      ...noted.findings,
      ...collected.findings,
      ...overpaid.map((each) => overpaidBy(id, each)),
    ],
    // The next run asks the rail of the others again.
    overpaid: overpaid.filter(mayName),
  }
}

/**
 * The steps and overpayments of a line for which its rails were read. The rail may lack a note that was written since:
 * the step or amount that is left leads the next run to it. `bill`: before the rails were read.
 */
function asRead({ unread, read }: CollectedInvoices, { pendingSteps }: LineBill) {
  const pending = new Set(pendingSteps.map(({ id }) => id))
  return {
    mayTell: ({ id, invoice, stage }: DunningStep) =>
      !unread.has(invoice) &&
      (stage !== 'settled' || pending.has(id) || read.get(invoice)?.stage === 'settled'),
    mayName({ invoice, amount }: Overpayment) {
      const standing = read.get(invoice)
      return !unread.has(invoice) && standing !== undefined && overpaidOn(standing) === amount
    },
  }
}

/** Issues a statement for every period that ended by `now`, the oldest first. */
async function closePeriods(line: CreditLineStub, first: LineBill, now: number) {
  const statements: StatementHead[] = []
  let bill = first
  let closedUntil = Number.NEGATIVE_INFINITY
  while (bill.unstated !== null) {
    // Clocks differ: an entry may have a time in a period that is closed already. It goes into the next statement.
    const period = periodOf(bill.terms.period, bill.unstated > closedUntil ? bill.unstated : closedUntil)
    if (period.to > now) break
    await line.close(period)
    closedUntil = period.to
    const before = new Set(bill.uninvoiced.map(({ period }) => period.id))
    bill = await line.bill()
    statements.push(...bill.uninvoiced.filter(({ period }) => !before.has(period.id)))
  }
  return { bill, statements }
}

/** Issues the credit notes that were left as drafts, and returns the bill afterwards. A failure stops nothing else. */
async function issueLeftNotes({ numbers }: BillSettings, line: CreditLineStub, bill: LineBill) {
  const findings: Finding[] = []
  for (const draft of bill.draftedNotes) {
    const { agent } = bill
    await issueDraft(numbers, line, draft).catch((fault) => {
      findings.push(railFailed({ agent, id: draft.invoice }, fault))
    })
  }
  return { bill: bill.draftedNotes.length > 0 ? await line.bill() : bill, findings }
}

/**
 * Invoices all uninvoiced statements, and returns the bill afterwards. A draft that was left over covers only the statements of
 * its own time, so another invoice may follow. It also covers charges that were released since, for which the run issues credit
 * notes.
 */
async function issueInvoices(
  settings: BillSettings,
  line: CreditLineStub,
  first: LineBill,
  now: number,
): Promise<{ bill: LineBill; issued: InvoiceStanding[] }> {
  const issued: InvoiceStanding[] = []
  let bill = first
  // Two at the most: the draft, and the rest.
  while (issued.length < 2) {
    const invoice = await issueInvoice(settings, line, bill, now)
    if (!invoice) break
    issued.push(invoice)
    bill = await line.bill()
  }
  return { bill, issued }
}

/**
 * Issues the invoice that is due next. The line stores the draft, then the number is taken, then the line stores the invoice. A
 * run that stops in between leaves a draft, which the next run numbers and stores even if releases made it small since: so no
 * number is left over.
 */
async function issueInvoice(
  { rails, seller, dunning, numbers }: BillSettings,
  line: CreditLineStub,
  bill: LineBill,
  now: number,
): Promise<InvoiceStanding | null> {
  const rail = rails[bill.terms.rail]
  const next = bill.drafted ?? (rail ? draftInvoice(bill, seller, rail, dunning, now) : null)
  if (!next) return null
  const draft = bill.drafted ?? (await line.draft(next))
  const number = await numbers.getByName(NUMBERS).issue(INVOICES, numberKey(draft))
  return line.invoiced(numbered(draft, number))
}

/**
 * Settled invoices that may still change: those settled or credited since the last run, since the rail may lack the credit note,
 * and those that a refused attempt may still pay.
 */
async function settledSince(
  line: CreditLineStub,
  { attempted, overpaid, pendingSteps }: LineBill,
): Promise<InvoiceStanding[]> {
  const settled = pendingSteps.filter(({ stage }) => stage === 'settled')
  const ids = new Set([...settled, ...overpaid].map(({ invoice }) => invoice))
  const found = await Promise.all([...ids].map((id) => line.invoice(id)))
  const others = attempted.filter(({ id, stage }) => stage === 'settled' && !ids.has(id))
  return [...others, ...found.flatMap((invoice) => (invoice?.stage === 'settled' ? invoice : []))]
}

/** Reports statements that cannot be invoiced because the terms name a rail that is not configured. */
function withoutRail({ rails }: BillSettings, { agent: account, terms, uninvoiced }: LineBill): Finding[] {
  if (uninvoiced.length === 0 || rails[terms.rail]) return []
  return [{ account, what: 'rail_failed', detail: notConfigured(terms.rail) }]
}

function overpaidBy(account: string, { invoice, amount }: Overpayment): Finding {
  return { account, what: 'overpaid', detail: `${invoice} by ${amount}`, invoice }
}

function noOutcome(findings: Finding[]): Outcome {
  const nothing = { statements: [], issued: [], received: 0n, steps: [], overpaid: [] }
  return { bill: null, isUnchanged: true, ...nothing, findings }
}

function sum(amounts: readonly bigint[]): string {
  return amounts.reduce((total, amount) => total + amount, 0n).toString()
}
