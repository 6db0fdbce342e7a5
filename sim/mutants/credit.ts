/** Mutants of credit lines, their bills, and the rails that collect them. */
import type { Mutant } from '../mutant.ts'

/** See {@link Mutant}. */
export const CREDIT_MUTANTS: readonly Mutant[] = [
  {
    id: 'charges-a-nonce-twice',
    file: '/src/ledger/credit/credit-line.ts',
    from: 'if (charged) return this.#repeat(order, charged)',
    to: '',
    by: 'I2',
  },
  {
    id: 'opens-another-page-with-a-nonce',
    file: '/src/ledger/credit/credit-line.ts',
    from: 'const same = used.iou === order.iou && used.request === order.request',
    to: 'const same = true',
    by: 'I4',
  },
  {
    id: 'charges-suspended-agents',
    file: '/src/ledger/credit/credit-line.ts',
    from: "if (standing.closed) return { outcome: 'refused', reason: standing.closed }",
    to: '',
    by: 'I7',
  },
  {
    id: 'doubles-the-credit-limit',
    file: '/src/ledger/credit/credit-line.ts',
    from: 'totals.charged - totals.redeemed > standing.limit',
    to: 'totals.charged - totals.redeemed > 2n * standing.limit',
    by: 'I7',
  },
  {
    id: 'answers-before-a-line-is-durable',
    file: '/src/ledger/credit/state.ts',
    from: 'await this.#commits.pending',
    to: '',
    by: 'I5',
  },
  {
    id: 'keeps-commitments-of-failed-pages',
    file: '/src/schemes/credit/scheme.ts',
    from: "if (answer.outcome !== 'opened') await retryOnce(async () => line().release(entry, order.id))",
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
    id: 'states-entries-of-the-next-period',
    file: '/src/ledger/billing/billing.ts',
    from: '({ at }) => at < period.to)',
    to: '() => true)',
    by: 'B1',
  },
  {
    id: 'drops-what-is-carried',
    file: '/src/billing/invoice.ts',
    from: 'const owed = carried + charged',
    to: 'const owed = charged',
    by: 'B1',
  },
  {
    id: 'redeems-credited-amounts',
    file: '/src/ledger/billing/dunning.ts',
    from: 'if (owedOn(invoice) === 0n) return net - creditedNet',
    to: 'if (owedOn(invoice) === 0n) return net',
    by: 'B1',
  },
  {
    id: 'skips-dunning-stages',
    file: '/src/ledger/billing/dunning.ts',
    from: 'return ORDER.slice(from + 1, Math.max(byTime, least) + 1)',
    to: 'return ORDER.slice(Math.max(from + 1, byTime, least), Math.max(byTime, least) + 1)',
    by: 'B3',
  },
  {
    id: 'notes-payments-again',
    file: '/src/ledger/billing/billing.ts',
    from: 'if (!this.#documents.has(kind, id)) {\n      const standing',
    to: 'if (true) {\n      const standing',
    by: 'B4',
  },
  {
    id: 'lets-two-payers-pay-one-invoice',
    file: '/src/ledger/billing/billing.ts',
    from: "if (open.length > 0) return 'busy'",
    to: '',
    by: 'B4',
  },
  {
    id: 'takes-a-number-for-each-try',
    file: '/src/billing/nightly.ts',
    from: 'issue(INVOICES, numberKey(draft))',
    to: 'issue(INVOICES, crypto.randomUUID())',
    by: 'B2',
  },
]
