/** Section E of docs/faults.md: ledger and objects. */
import type { Removal } from '../removal.ts'

const ACCOUNT = 'src/ledger/channel/account.ts'
const COLUMNS = 'src/ledger/columns.ts'
const GATHER = 'src/settlement/channels/gather.ts'

/** See {@link Removal}. */
export const LEDGER: readonly Removal[] = [
  {
    row: 'E1',
    file: ACCOUNT,
    from: 'this.#journal.recent(Date.now() - REPLAY_WINDOW_MS, MAX_CHARGES)',
    to: 'this.#journal.recent(Date.now(), MAX_CHARGES)',
    test: 'ledger/channel/faults',
    title: 'charges once when the order is repeated',
  },
  {
    row: 'E2',
    file: 'src/settlement/exact/in-doubt.ts',
    from: 'await payments.found(token, nonce, transaction)',
    to: '',
    test: 'settlement/exact/in-doubt',
  },
  {
    row: 'E3',
    file: 'src/platform/retry.ts',
    from: 'return call()\n  }',
    to: 'throw fault\n  }',
    test: 'schemes/channel/faults',
  },
  {
    row: 'E4',
    file: GATHER,
    from: 'const now = await resolveOperation(settings, standing, state)',
    to: 'const now = standing',
    test: 'settlement/run',
  },
  {
    row: 'E5',
    file: ACCOUNT,
    from: 'const known = this.#replay(order) ?? openedFor(order, standing, this.#opened)',
    to: 'const known = openedFor(order, standing, this.#opened)',
    test: 'paywall/gate',
  },
  {
    row: 'E6',
    file: 'src/chain/relayer/relayer.ts',
    from: "this.#warn('open transactions not checked, retrying at the next alarm', { fault: String(thrown) })",
    to: 'throw thrown',
    test: 'chain/relayer/faults',
  },
  {
    row: 'E7',
    file: 'src/settlement/channels/claim-batch.ts',
    from: 'sendOnce(settings, `claim:${await digestOf(data)}`, data)',
    to: 'sendOnce(settings, `claim:${await digestOf(data)}:${crypto.randomUUID()}`, data)',
    test: 'settlement/at-once',
  },
  {
    row: 'E8',
    file: COLUMNS,
    from: 'for (const statement of statements) sql.exec(statement)',
    to: '',
    test: 'ledger/exact/authorizations',
  },
  {
    row: 'E9',
    file: COLUMNS,
    from: 'if (columns.length > first + added.length)',
    to: 'if (columns.length > 99)',
    test: 'ledger/versions',
    title: 'refuses to charge a channel that a newer version has written [E9]',
  },
  {
    row: 'E9',
    file: COLUMNS,
    from: 'if (columns.has(column)) continue',
    to: "if (columns.has('rule')) continue",
    test: 'ledger/versions',
    title: 'ends the upgrade of a channel that was killed between two columns [E9]',
  },
  {
    row: 'E10',
    file: 'src/ledger/group-commit.ts',
    from: 'this.#ctx.abort(`ledger write failed: ${fault}`)\n      throw fault',
    to: 'void fault',
    test: 'schemes/channel/faults',
  },
  {
    row: 'E11',
    file: 'src/settlement/findings.ts',
    from: 'if (totals.authorized <= authorized && totals.redeemed <= redeemed) return []',
    to: 'if (standing) return []',
    test: 'settlement/restored',
    title: 'counts all claims again [E11]',
  },
  {
    row: 'E11',
    file: 'src/settlement/channels/reconcile.ts',
    from: 'ahead.has(id) || charged > redeemed',
    to: 'charged > redeemed',
    test: 'settlement/restored',
    title: 'no run has claimed [E11]',
  },
  {
    row: 'E12',
    file: 'src/ledger/alarm.ts',
    from: 'const isWritten = !mustWrite || (await this.#isWritten())',
    to: 'const isWritten = !mustWrite || this.#listAt === null',
    test: 'ledger/alarm',
  },
  {
    row: 'E13',
    file: ACCOUNT,
    from: 'at: Math.max(Date.now(), this.#last.at)',
    to: 'at: Date.now()',
    test: 'ledger/channel/account',
  },
  {
    row: 'E14',
    file: 'src/ledger/channel/queue.ts',
    from: 'return this.#queued.length >= QUEUE_LIMIT',
    to: 'return false',
    test: 'ledger/channel/early-vouchers',
  },
  {
    row: 'E15',
    file: GATHER,
    from: 'if (claimable) await assertIntact(settings, line.id)',
    to: '',
    test: 'settlement/tampered',
  },
  {
    row: 'E15',
    file: 'src/ledger/billing/billing.ts',
    from: 'if (stated.total !== this.#record.journal.charged(first, stated.last))',
    to: 'if (stated.last < first)',
    test: 'billing/run',
  },
]
