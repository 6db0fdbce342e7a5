/** Mutants of the channel ledger, its queue and its journal. */
import type { Mutant } from '../mutant.ts'

const ACCOUNT = '/src/ledger/channel/account.ts'
const JOURNAL = '/src/ledger/channel/journal.ts'

/** See {@link Mutant}. */
export const CHANNEL_MUTANTS: readonly Mutant[] = [
  {
    id: 'answers-before-durable',
    file: ACCOUNT,
    from: 'if (answer) this.#queue.advance()\n    await this.#commits.pending',
    to: 'if (answer) this.#queue.advance()',
    by: 'I4',
  },
  {
    id: 'no-replay',
    file: ACCOUNT,
    from: 'if (known) return known',
    to: 'if (known && order.max < 0n) return known',
    by: 'I5',
  },
  {
    id: 'charges-after-withdrawal',
    file: ACCOUNT,
    from: "if (order.kind !== 'refund' && standing.state.withdrawRequestedAt > 0)",
    to: "if (order.kind !== 'refund' && standing.state.withdrawRequestedAt > 9e15)",
    by: 'I7',
  },
  {
    id: 'charges-over-escrow',
    file: ACCOUNT,
    from: 'if (order.max > standing.state.balance) return',
    to: 'if (order.max > standing.state.balance * 9n) return',
    by: 'I6',
  },
  {
    id: 'ignores-unclaimed-limit',
    file: ACCOUNT,
    from: 'if (totals.charged - totals.redeemed > order.exposure)',
    to: 'if (totals.charged - totals.redeemed > order.exposure * 9n)',
    by: 'I7',
  },
  {
    id: 'keeps-first-signature',
    file: ACCOUNT,
    from: 'order.max >= standing.authorized ? order.signature',
    to: 'order.max < standing.authorized ? order.signature',
    by: 'L1',
  },
  {
    id: 'loses-own-transaction',
    file: ACCOUNT,
    from: "if (onChain && !this.#begunHere) return this.#refuse('channel_busy')",
    to: '',
    by: null,
    why: 'the order then waits ten seconds and gets the same answer',
  },
  {
    id: 'closes-any-transaction',
    file: ACCOUNT,
    from: 'if (standing.unresolved?.id !== settled.id) return',
    to: 'if (!standing.unresolved) return',
    by: null,
    why: 'every caller closes the transaction that is open; another one is closed only after a restart in between',
  },
  {
    id: 'never-closes-transaction',
    file: ACCOUNT,
    from: '{ ...standing, unresolved: null }',
    to: '{ ...standing }',
    by: 'I13',
  },
  {
    id: 'releases-shared-charge',
    file: '/src/ledger/replay-window.ts',
    from: "if (use.deliveries.length > 0) return 'one'",
    to: '',
    by: 'I2',
  },
  {
    id: 'loses-replays-on-restart',
    file: ACCOUNT,
    from: 'this.#journal.recent(Date.now() - REPLAY_WINDOW_MS, MAX_CHARGES)',
    to: 'this.#journal.recent(Date.now(), MAX_CHARGES)',
    by: 'I5',
  },
  {
    id: 'loses-totals-on-restart',
    file: JOURNAL,
    from: 'return { ...kept, ...totals, signature }',
    to: 'return { ...totals, ...kept, signature }',
    by: 'I2',
  },
  {
    id: 'refunds-what-is-owed',
    file: '/src/ledger/channel/answers.ts',
    from: 'const left = standing.state.balance - standing.charged',
    to: 'const left = standing.state.balance - standing.redeemed',
    by: 'I6',
  },
  {
    id: 'takes-older-blocks',
    file: '/src/ledger/channel/observe.ts',
    from: 'if (state.block < known.state.block && !anyBlock) return null',
    to: '',
    by: null,
    why: 'the next read of the chain puts it right, and a claim is checked by the contract',
  },
  {
    id: 'no-sync-before-commit',
    file: '/src/ledger/group-commit.ts',
    from: 'await this.#ctx.storage.sync()',
    to: 'await null',
    by: null,
    why: 'the runtime holds answers until writes are on disk; the wait only groups entries',
  },
  {
    id: 'charges-twice-the-price',
    file: '/src/ledger/totals.ts',
    from: 'const next = deliver(totals, delivered(totals) + price)',
    to: 'const next = deliver(totals, delivered(totals) + price + (totals.credit > 0n ? price : 0n))',
    by: 'I2',
  },
  {
    id: 'releases-nothing',
    file: '/src/ledger/totals.ts',
    from: 'return deliver(totals, delivered(totals) - price)',
    to: 'return deliver(totals, delivered(totals) - price + price)',
    by: 'I2',
  },
  {
    id: 'drops-waiting-orders',
    file: '/src/ledger/channel/queue.ts',
    from: "if (fit === 'follows') return othersTurn ? 'wait' : 'take'",
    to: "if (fit !== 'ahead') return othersTurn ? 'wait' : 'take'",
    by: 'E0',
  },
]
