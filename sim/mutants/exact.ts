/** Mutants of payments by `exact`: the reservation, the transfer, and what the nightly run makes of doubts. */
import type { Mutant } from '../mutant.ts'

const AUTHORIZATIONS = '/src/ledger/exact/authorizations.ts'
const SCHEME = '/src/schemes/exact/scheme.ts'
const IN_DOUBT = '/src/settlement/exact/in-doubt.ts'

/** See {@link Mutant}. */
export const EXACT_MUTANTS: readonly Mutant[] = [
  {
    id: 'opens-two-pages',
    file: AUTHORIZATIONS,
    from: "if (!same) return { outcome: 'refused', reason: 'exact_bound' }",
    to: '',
    by: 'I10',
  },
  {
    id: 'doubt-is-no',
    file: SCHEME,
    from: 'await retryOnce(async () => this.#reservations().doubt(token, nonce, id))',
    to: 'await retryOnce(async () => this.#reservations().close(token, nonce, id))',
    by: 'I1',
  },
  {
    id: 'closes-what-may-come',
    file: SCHEME,
    from: 'settled.isFinal\n            ?',
    to: 'settled\n            ?',
    by: 'I9',
  },
  {
    id: 'refuses-before-its-block-is-final',
    file: '/src/chain/token.ts',
    from: "if (!isFinal && seen !== undefined && final.block < seen) return { status: 'unknown' }",
    to: '',
    by: 'I9',
  },
  {
    id: 'pays-without-renewal',
    file: SCHEME,
    from: "if (!ours) return refuse('exact_in_progress')",
    to: '',
    by: null,
    why: 'one authorization is one order of the relayer, and one transfer on chain, for all requests together',
  },
  {
    id: 'answers-before-settled',
    file: SCHEME,
    from: 'await (answer === undefined ? retryOnce(record) : store(record))',
    to: 'void (answer === undefined ? retryOnce(record) : store(record)).catch(() => undefined)',
    by: 'I3',
  },
  {
    id: 'delivers-unpaid',
    file: SCHEME,
    from: 'if (!paid.ok) return paid\n      this.#paid = paid.value',
    to: "this.#paid = paid.ok ? paid.value : '0x'",
    by: 'I4',
  },
  {
    id: 'loses-what-it-found',
    file: IN_DOUBT,
    from: 'await payments.found(token, nonce, transaction)',
    to: 'await Promise.resolve(transaction)',
    by: 'I9',
  },
  {
    id: 'closes-too-early',
    file: IN_DOUBT,
    from: '(outcome.isFinal || isOver)',
    to: '(outcome.isFinal || since > 0)',
    by: 'I9',
  },
  {
    id: 'confirms-what-was-undone',
    file: AUTHORIZATIONS,
    from: 'for (const each of undone) this.#journal.sales.undo(each)',
    to: '',
    by: 'I1',
  },
  {
    id: 'takes-another-value',
    file: AUTHORIZATIONS,
    from: "use.amount === price ? null : 'exact_value'",
    to: 'null',
    by: null,
    why: 'the scheme holds the value against the offer before it reserves anything',
  },
]
