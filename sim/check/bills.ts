/** The promises of billing, from the journals of all lines. */
import { owedOn } from '../../src/ledger/billing/dunning.ts'
import type {
  Attempt,
  CreditNote,
  Draft,
  DunningStep,
  DunningTerms,
  Invoice,
  PaymentFailed,
  PaymentReceived,
  PaymentReversed,
  Stage,
  StatementHead,
} from '../../src/ledger/billing/types.ts'
import { readBody } from '../../src/ledger/body.ts'
import type { Enrolment } from '../../src/ledger/credit/terms.ts'
import { DAY_MS } from '../../src/platform/time.ts'
import type { Address, Hex } from '../../src/protocol/evm/hex.ts'
import { RAILS } from '../../src/rails/index.ts'
import { CENT } from '../../src/rails/rail.ts'
import type { Deployment } from '../deployment.ts'
import type { Host } from '../platform/host.ts'
import type { Stripe } from '../stripe.ts'
import { Violation, world } from '../world.ts'
import { runsOf } from './end.ts'
import type { ExactOracle } from './exact.ts'
import { amountIn, entriesAfter, isOpened } from './lines.ts'

const STAGES: readonly Stage[] = ['open', 'due', 'past_due', 'suspended', 'written_off']

/** The kinds of entries about payments of an invoice. */
const MONEY: ReadonlySet<string> = new Set(['payment', 'failure', 'reversal'])

/** An invoice with all that has happened to it. */
export type Bill = {
  invoice: Invoice
  stage: Stage
  paid: bigint
  credited: bigint
  creditedNet: bigint
  /** Whether its last payment has failed or was taken back. */
  hasFailed: boolean
}

/** The documents of one line, in the order of its journal. */
export class Bills {
  readonly host: Host
  readonly #rows: ReturnType<typeof entriesAfter>

  constructor(host: Host) {
    this.host = host
    this.#rows = isOpened(host) ? entriesAfter(host, 0) : []
  }

  /** The documents of a kind. */
  of<Document>(kind: string): Document[] {
    return this.#rows.filter((row) => row.kind === kind).map(({ body }) => readBody<Document>(String(body)))
  }

  /** Every invoice, the oldest first. */
  get bills(): Bill[] {
    const payments = this.of<PaymentReceived>('payment')
    const reversals = this.of<PaymentReversed>('reversal')
    const notes = this.of<CreditNote>('credit_note')
    const stages = this.of<DunningStep>('stage')
    return this.of<Invoice>('invoice').map((invoice) => {
      const own = <Document extends { invoice: string }>(all: readonly Document[]) =>
        all.filter((one) => one.invoice === invoice.id)
      const [paid, returned] = [sum(own(payments), 'amount'), sum(own(reversals), 'amount')]
      return {
        invoice,
        stage: own(stages).at(-1)?.stage ?? 'open',
        paid: paid - returned,
        credited: sum(own(notes), 'total'),
        creditedNet: sum(own(notes), 'net'),
        hasFailed: this.#hasFailed(invoice.id),
      }
    })
  }

  /** Whether an invoice keeps its agent from getting credit. */
  get isCutOff(): boolean {
    return this.bills.some(
      ({ stage, hasFailed }) =>
        stage === 'suspended' || stage === 'written_off' || (stage === 'past_due' && hasFailed),
    )
  }

  /** Whether a payment exceeded what was owed at that time. */
  wasOverpaid({ id, total }: Invoice): boolean {
    let left = total
    for (const { kind, body } of this.#rows) {
      if (kind !== 'payment' && kind !== 'reversal' && kind !== 'credit_note') continue
      const change = readBody<{ invoice: string; amount?: bigint; total?: bigint }>(String(body))
      if (change.invoice !== id) continue
      left -= (change.amount ?? change.total ?? 0n) * (kind === 'reversal' ? -1n : 1n)
      if (kind === 'payment' && left < 0n) return true
    }
    return false
  }

  #hasFailed(invoice: string): boolean {
    const last = this.#rows.findLast(
      ({ kind, body }) =>
        MONEY.has(String(kind)) && readBody<PaymentFailed>(String(body)).invoice === invoice,
    )
    return last !== undefined && last.kind !== 'payment'
  }

  /** All that billing has promised of this line. `until`: the moment of the last run, in Unix ms. @throws Violation */
  check(until: number, terms: DunningTerms): void {
    this.#checkStatements(until)
    this.#checkInvoices()
    this.#checkStages(until, terms)
    this.#checkRedeemed()
  }

  /** Each charge and release is in exactly one statement, and none is left over [B1]. */
  #checkStatements(until: number): void {
    const { name } = this.host
    let last = 0
    for (const statement of this.of<StatementHead>('statement')) {
      if (statement.first !== last + 1)
        throw new Violation(
          'B1',
          `${name}: ${statement.period.id} begins with ${statement.first} after ${last}`,
        )
      last = statement.last
      const covered = this.#rows.filter(({ seq }) => Number(seq) >= statement.first && Number(seq) <= last)
      const total = covered.reduce((all, row) => all + movedBy(row), 0n)
      if (total !== statement.total)
        throw new Violation('B1', `${name}: ${statement.period.id} states ${statement.total} of ${total}`)
      if (covered.some(({ at }) => Number(at) >= statement.period.to))
        throw new Violation('B1', `${name}: ${statement.period.id} has an entry of a later period`)
      world().count('statement')
    }
    const left = this.#rows.find(
      (row) => Number(row.seq) > last && movedBy(row) !== 0n && Number(row.at) < until,
    )
    if (left) throw new Violation('L1', `${name}: entry ${left.seq} is in no statement`)
  }

  /** Each statement is in one invoice, no micro-dollar is lost between two [B1], and what waits is less than an invoice [L1]. */
  #checkInvoices(): void {
    const { name } = this.host
    const totals = new Map(this.of<StatementHead>('statement').map(({ period, total }) => [period.id, total]))
    let carried = 0n
    let draft: Draft | null = null
    for (const { kind, body } of this.#rows) {
      if (kind === 'credit_note') carried += readBody<CreditNote>(String(body)).released ?? 0n
      if (kind === 'draft') {
        draft = readBody<Draft>(String(body))
        if (draft.carriedIn !== carried)
          throw new Violation('B1', `${name}: ${draft.carriedIn} is carried on, of ${carried}`)
      }
      if (kind !== 'invoice') continue
      const invoice = readBody<Invoice>(String(body))
      const { id, periods, charged, carriedIn, carriedOut, net, vat, total } = invoice
      const stated = periods.map((period) => totals.get(period) ?? 0n).reduce((all, one) => all + one, 0n)
      for (const period of periods)
        if (!totals.delete(period))
          throw new Violation('B1', `${id} bills ${period}, which is billed already`)
      if (draft?.net !== net) throw new Violation('B1', `${id} differs from its draft`)
      if (stated !== charged || carriedIn + charged !== net + carriedOut || total !== net + vat.amount)
        throw new Violation(
          'B1',
          `${id}: ${carriedIn} + ${charged} of ${stated} becomes ${net} + ${carriedOut}`,
        )
      carried += carriedOut - carriedIn
      world().count('invoice')
    }
    const [enrolment] = this.of<Enrolment>('terms').slice(-1)
    const waiting = [...totals.values()].reduce((all, one) => all + one, carried)
    if (totals.size > 0 && enrolment && waiting >= RAILS[enrolment.terms.rail].least)
      throw new Violation('L1', `${name}: ${waiting} is stated and in no invoice`)
  }

  /** The operator's webhook has each step of dunning [L1]. `accepted`: the ids of its events. @throws Violation */
  checkNotified(accepted: ReadonlySet<string>): void {
    const waiting = this.of<DunningStep>('stage').find(({ id }) => !accepted.has(id))
    if (waiting)
      throw new Violation('L1', `the step ${waiting.stage} of ${waiting.invoice} was not delivered`)
    const marked = new Set(this.of<string[]>('told').flat())
    const open = this.of<DunningStep>('stage').find(({ id }) => !marked.has(id))
    if (open) throw new Violation('L3', `the step ${open.stage} of ${open.invoice} is still to be delivered`)
  }

  /** Dunning skips no stage [B3], and reaches each in time [L1]. */
  #checkStages(until: number, terms: DunningTerms): void {
    const steps = this.of<DunningStep>('stage')
    for (const { invoice, stage, ...bill } of this.bills) {
      let reached = 'open' as Stage
      for (const { stage: next } of steps.filter((step) => step.invoice === invoice.id)) {
        const follows: Stage | undefined = STAGES[reached === 'settled' ? 0 : STAGES.indexOf(reached) + 1]
        if (next !== 'settled' && next !== follows)
          throw new Violation('B3', `${invoice.id} is ${next} after ${reached}`)
        reached = next
        world().count(`stage: ${next}`)
      }
      const owed = owedOn({ ...bill, total: invoice.total })
      if ((owed === 0n) !== (stage === 'settled'))
        throw new Violation('B3', `${invoice.id} owes ${owed} and is ${stage}`)
      const days = [0, terms.pastDue, terms.suspended, terms.writtenOff]
      const due = days.filter((day) => invoice.dueAt + day * DAY_MS <= until).length
      if (stage !== 'settled' && STAGES.indexOf(stage) < due)
        throw new Violation('L1', `${invoice.id} is ${stage}, and must be ${STAGES[due]}`)
    }
  }

  /** The redeemed amount is what the payments of invoices redeem, to the micro-dollar [B1]. */
  #checkRedeemed(): void {
    let due = 0n
    for (const { invoice, paid, credited, creditedNet } of this.bills) {
      const [net, total] = [invoice.net - creditedNet, invoice.total - credited]
      if (paid >= total) due += net
      else if (paid > 0n) due += (paid * net) / total
    }
    const redeemed = amountIn(this.#rows.at(-1) ?? {}, 'redeemed')
    if (redeemed !== due)
      throw new Violation('B1', `${this.host.name}: ${redeemed} is redeemed, ${due} was paid`)
    if (redeemed > 0n) world().count('redeemed by an invoice')
  }

  /** The last entry's total. */
  total(name: 'charged' | 'redeemed'): bigint {
    return amountIn(this.#rows.at(-1) ?? {}, name)
  }
}

/** No document has two numbers, and no number is left out [B2]. No payment is noted twice [B4]. @throws Violation */
export function checkSeries(deployment: Deployment, lines: readonly Bills[]): void {
  const [numbers] = deployment.namespace('NUMBERS').hosts.values()
  const issued = numbers?.disk.peek('SELECT series, n FROM number ORDER BY series, n') ?? []
  const used = {
    INV: lines.flatMap((line) => line.of<Invoice>('invoice')),
    CN: lines.flatMap((line) => line.of<CreditNote>('credit_note')),
  }
  for (const series of ['INV', 'CN'] as const) {
    const taken = issued.filter((row) => row.series === series).map(({ n }) => Number(n))
    const found = used[series].map(({ number }) => number).sort((a, b) => a - b)
    const wanted = found.map((_, at) => at + 1)
    if (`${found}` !== `${wanted}` || `${taken}` !== `${found}`)
      throw new Violation('B2', `${series}: ${taken} were issued, ${found} are used`)
  }
  const payments = lines.flatMap((line) => line.of<PaymentReceived>('payment'))
  const references = payments.map(({ rail, reference }) => `${rail} ${reference}`)
  const twice = references.find((one, at) => references.indexOf(one) !== at)
  if (twice) throw new Violation('B4', `${twice} was noted twice`)
}

/** By how much an entry changes what statements add up. */
function movedBy(row: ReturnType<typeof entriesAfter>[number]): bigint {
  const amount = amountIn(row, 'amount')
  if (row.kind === 'charge') return amount
  return row.kind === 'release' || row.kind === 'lower' ? -amount : 0n
}

function sum<Name extends string>(all: readonly Record<Name, bigint>[], name: Name): bigint {
  return all.reduce((total, one) => total + one[name], 0n)
}

/**
 * The payments of a line by `exact` are those that the chain has moved for its attempts, and what is paid twice is named
 * [B4]. @throws Violation
 */
export function checkAttempts(deployment: Deployment, exact: ExactOracle, line: Bills): void {
  const paid = new Set(line.of<PaymentReceived>('payment').map(({ id }) => id))
  for (const { id, detail } of line.of<Attempt>('attempt')) {
    const [from, nonce] = id.split(':').slice(-2) as [Address, Hex]
    const [, value = '0'] = /"value":"(\d+)"/.exec(detail) ?? []
    const hasMoved = exact.hasPaid(from, nonce, BigInt(value))
    if (hasMoved !== null && hasMoved !== paid.has(id))
      throw new Violation('B4', `${id}: the chain has it ${hasMoved}, the line ${paid.has(id)}`)
    if (hasMoved) world().count('invoice paid on chain')
  }
  const refused = new Set(line.of<{ id: string }>('refuse').map(({ id }) => id))
  const named = runsOf(deployment, 'billing').flatMap(({ findings }) => findings)
  for (const { invoice, paid, credited } of line.bills) {
    if (paid + credited <= invoice.total) continue
    world().count('invoice overpaid')
    // A note that the operator writes after the payment is the operator's to pay out.
    if (!line.wasOverpaid(invoice)) continue
    // A second attempt may begin once the first is refused, whose money may arrive all the same.
    const own = line.of<PaymentReceived>('payment').filter((one) => one.invoice === invoice.id)
    const isAtOnce = own.length > 1 && own.every(({ id, rail }) => rail === 'stablecoin' && !refused.has(id))
    if (isAtOnce) throw new Violation('B4', `${invoice.id} was paid ${own.length} times at once`)
    if (!named.some(({ what, detail }) => what === 'overpaid' && detail.startsWith(invoice.id)))
      throw new Violation('B4', `${invoice.id} was paid ${paid} of ${invoice.total}, and no finding names it`)
  }
}

/** Each note that the operator has written is there once [B4]. `written`: their reasons. @throws Violation */
export function checkNotes(written: readonly string[], lines: readonly Bills[]): void {
  const found = lines.flatMap((line) => line.of<CreditNote>('credit_note')).map(({ reason }) => reason)
  for (const reason of new Set([...written, ...found.filter((one) => one.startsWith('goodwill'))])) {
    const times = found.filter((one) => one === reason).length
    if (times !== 1) throw new Violation('B4', `the note ${reason} is there ${times} times`)
  }
  if (found.some((reason) => !reason.startsWith('goodwill'))) world().count('release credited')
}

/** Stripe has sent each invoice once, and has received what the line has [B4]. @throws Violation */
export function checkStripe({ books, sent }: Stripe, lines: readonly Bills[]): void {
  for (const { invoice, paid } of lines.flatMap((line) => line.bills)) {
    if (invoice.rail !== 'stripe') continue
    const own = books.invoices.filter(({ metadata }) => metadata.tab402_invoice === invoice.id)
    if (own.length > 1) throw new Violation('B4', `${invoice.id} is ${own.length} invoices at Stripe`)
    const [at] = own
    if (at && at.status !== 'draft' && BigInt(at.total) * CENT !== invoice.total)
      throw new Violation(
        'B4',
        `${invoice.id} is over ${invoice.total}, and at Stripe over ${at.total} cents`,
      )
    const received = BigInt(at?.amount_paid ?? 0) * CENT
    if (received !== paid)
      throw new Violation('B4', `${invoice.id}: Stripe has ${received}, the line ${paid}`)
    if (!at) continue
    world().count('invoice at stripe')
    if (at.status === 'open' && at.collection_method === 'send_invoice' && !sent.has(at.id))
      throw new Violation('B4', `${invoice.id} is open at Stripe, and was not sent`)
  }
}

/** Stripe has each note of ours once, as far as its invoice has so much left [B4]. @throws Violation */
export function checkNotesThere({ books }: Stripe, line: Bills): void {
  const ours = line.of<CreditNote>('credit_note').filter(({ reference }) => reference === undefined)
  for (const { invoice, stage } of line.bills) {
    const at = books.invoices.find(({ metadata }) => metadata.tab402_invoice === invoice.id)
    // A written-off invoice is asked on some days only.
    if (!at || at.status === 'draft' || at.status === 'void' || stage === 'written_off') continue
    const left = at.total - at.pre_payment_credit_notes_amount - at.post_payment_credit_notes_amount
    for (const { id, total } of ours.filter((note) => note.invoice === invoice.id)) {
      const times = books.notes.filter(({ metadata }) => metadata.tab402_note === id).length
      const isDue = left > 0 && total >= CENT
      if (times > 1 || (times === 0 && isDue))
        throw new Violation('B4', `${id} on ${invoice.id} is ${times} times at Stripe`)
      if (times === 1) world().count('note at stripe')
    }
  }
}

/** The read model has what the lines have [I11]. @throws Violation */
export function checkListed({ book }: Deployment, id: string, line: Bills): void {
  const [row = {}] = book.peek('SELECT charged, redeemed FROM line WHERE id = ?', id)
  for (const name of ['charged', 'redeemed'] as const)
    if (BigInt(String(row[name] ?? 0)) !== line.total(name))
      throw new Violation('I11', `${id}: ${name} is ${line.total(name)}, the read model has ${row[name]}`)
  const stated = book.peek('SELECT period FROM statement WHERE line = ?', id).length
  if (stated !== line.of('statement').length)
    throw new Violation('I11', `${id}: ${stated} statements are listed`)
  const listed = new Map(
    book.peek('SELECT id, stage FROM invoice WHERE line = ?', id).map((one) => [one.id, one]),
  )
  for (const { invoice, stage } of line.bills)
    if (listed.get(invoice.id)?.stage !== stage)
      throw new Violation(
        'I11',
        `${invoice.id} is ${stage}, the read model has ${listed.get(invoice.id)?.stage}`,
      )
}
