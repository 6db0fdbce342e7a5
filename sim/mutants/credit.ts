/** Mutants of credit lines and their billing. */
import type { Mutant } from '../mutant.ts'

const LINE = '/src/ledger/credit/credit-line.ts'
const BILLING = '/src/ledger/billing/billing.ts'
const STRIPE = '/src/rails/stripe/rail.ts'

/** See {@link Mutant}. */
export const CREDIT_MUTANTS: readonly Mutant[] = [
  {
    id: 'charges-a-commitment-twice',
    file: LINE,
    from: 'if (charged) return this.#repeat(order, charged)',
    to: '',
    by: 'I2',
  },
  {
    id: 'commitment-opens-two-pages',
    file: LINE,
    from: 'const same = used.iou === order.iou && used.request === order.request',
    to: 'const same = used.once === order.once',
    by: 'I4',
  },
  {
    id: 'line-without-limit',
    file: LINE,
    from: 'if (totals.charged - totals.redeemed > standing.limit)',
    to: 'if (totals.charged - totals.redeemed > standing.limit * 9n)',
    by: 'I7',
  },
  {
    id: 'serves-suspended-agents',
    file: LINE,
    from: "if (standing.closed) return { outcome: 'refused', reason: standing.closed }",
    to: '',
    by: 'I7',
  },
  {
    id: 'credit-before-durable',
    file: LINE,
    from: 'const answer = this.#place(order)\n    await this.#record.written()',
    to: 'const answer = this.#place(order)',
    by: 'I4',
  },
  {
    id: 'keeps-failed-pages-on-credit',
    file: LINE,
    from: "const amount = dropped === 'last' ? taken : 0n",
    to: "const amount = dropped === 'last' ? taken - taken : 0n",
    by: 'I2',
  },
  {
    id: 'loses-commitments-on-restart',
    file: LINE,
    from: 'for (const { once, at, ...use } of journal.uses(since)) this.#used.note(once, use, at)',
    to: '',
    by: 'I2',
  },
  {
    id: 'skips-stages',
    file: '/src/ledger/billing/dunning.ts',
    from: 'return ORDER.slice(from + 1, Math.max(byTime, least) + 1)',
    to: 'return ORDER.slice(Math.max(from + 1, byTime, least), Math.max(byTime, least) + 1)',
    by: 'B3',
  },
  {
    id: 'numbers-with-gaps',
    file: '/src/ledger/billing/numbers.ts',
    from: 'const next = Number(last?.n ?? 0) + 1',
    to: 'const next = Number(last?.n ?? 0) + 2',
    by: 'B2',
  },
  {
    id: 'notes-payments-twice',
    file: BILLING,
    from: 'if (!this.#documents.has(kind, id)) {',
    to: 'if (!this.#documents.has(kind, id) || kind === "payment") {',
    by: 'B4',
  },
  {
    id: 'states-open-periods',
    file: BILLING,
    from: 'const stated = await this.#state(first, FORM, ({ at }) => at < period.to)',
    to: 'const stated = await this.#state(first, FORM, ({ at }) => at > 0)',
    by: 'B1',
  },
  {
    id: 'loses-the-carried-cents',
    file: '/src/billing/invoice.ts',
    from: 'carriedOut: owed - net,',
    to: 'carriedOut: 0n,',
    by: 'B1',
  },
  {
    id: 'leaves-statements-without-an-invoice',
    file: '/src/billing/invoice.ts',
    from: 'net < rail.least)',
    to: 'net < rail.least * 3n)',
    by: 'L1',
  },
  {
    id: 'never-sends-an-invoice',
    file: STRIPE,
    from: "if (final.status !== 'open' ||",
    to: "if (final.status === 'open' ||",
    by: 'B4',
  },
  {
    id: 'never-sends-a-note',
    file: STRIPE,
    from: "if (status === 'void' || amount <= 0) return",
    to: "if (status !== 'void' || amount <= 0) return",
    by: 'B4',
  },
  {
    id: 'begins-two-attempts',
    file: BILLING,
    from: "if (open.length > 0) return 'busy'",
    to: '',
    by: 'B4',
  },
  {
    id: 'redeems-before-it-is-paid',
    file: '/src/ledger/billing/dunning.ts',
    from: 'if (owedOn(invoice) === 0n) return net - creditedNet',
    to: 'if (paid >= 0n) return net - creditedNet',
    by: 'B1',
  },
  {
    id: 'keeps-commitments-of-failed-pages',
    file: '/src/schemes/credit/scheme.ts',
    from: 'await retryPaced(async () => line().release(entry, order.id))',
    to: '',
    by: 'I5',
  },
  {
    id: 'suspends-in-the-registry-only',
    file: '/src/ledger/credit/agents.ts',
    from: 'await this.env.LINES.getByName(agent.id).configure(enrolmentOf(agent))',
    to: '',
    by: 'I3',
  },
  {
    id: 'takes-a-number-for-each-try',
    file: '/src/billing/nightly.ts',
    from: 'issue(INVOICES, numberKey(draft))',
    to: 'issue(INVOICES, crypto.randomUUID())',
    by: 'B2',
  },
]
