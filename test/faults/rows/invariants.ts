/** Section I of docs/faults.md: invariants. */
import type { Removal } from '../removal.ts'

const ACCOUNT = 'src/ledger/channel/account.ts'
const CLAIMS = 'src/settlement/channels/claims.ts'
const SALE = 'src/paywall/sale.ts'

/** See {@link Removal}. */
export const INVARIANTS: readonly Removal[] = [
  {
    row: 'I1',
    file: 'src/ledger/totals.ts',
    from: 'credit: charged - value }',
    to: 'credit: 0n }',
    test: 'ledger/totals',
  },
  {
    row: 'I2',
    file: 'src/ledger/credit/credit-line.ts',
    from: 'if (charged) return this.#repeat(order, charged)',
    to: '',
    test: 'ledger/credit/credit-line',
  },
  {
    row: 'I3',
    file: 'src/ledger/channel/journal.ts',
    from: 'return { ...kept, ...totals, signature }',
    to: 'return { ...totals, ...kept, signature }',
    test: 'ledger/channel/faults',
  },
  {
    row: 'I4',
    file: SALE,
    from: 'giveUp()\n      throw fault',
    to: 'giveUp()\n      const settle = async () => ({ ok: true, value: null })\n      return { ok: true, value: { settle, release: async () => null } }',
    test: 'schemes/channel/faults',
  },
  {
    row: 'I5',
    file: 'src/ledger/credit/credit-line.ts',
    from: "const amount = dropped === 'last' ? taken : 0n",
    to: 'const amount = 0n',
    test: 'ledger/credit/credit-line',
  },
  {
    row: 'I6',
    file: CLAIMS,
    from: 'const total = standing.charged < state.balance ? standing.charged : state.balance',
    to: 'const total = standing.authorized < state.balance ? standing.authorized : state.balance',
    test: 'settlement/channels/claims',
  },
  {
    row: 'I7',
    file: ACCOUNT,
    from: "if (totals.charged - totals.redeemed > order.exposure) return this.#refuse('unclaimed_limit')",
    to: '',
    test: 'ledger/channel/account',
  },
  {
    row: 'I8',
    file: 'src/settlement/channels/sweep.ts',
    from: 'const name = `sweep:${receiver}:${chain.token}:${claimed}`',
    to: 'const name = `sweep:${receiver}:${chain.token}:${crypto.randomUUID()}`',
    test: 'settlement/run',
  },
  {
    row: 'I9',
    file: 'src/chain/facilitator/remote.ts',
    from: ": { status: 'unknown' }\n  if (!chain) return refused",
    to: ": { status: 'refused', reason, isFinal: true, detail }\n  if (!chain) return refused",
    test: 'chain/facilitator/remote',
  },
  {
    row: 'I10',
    file: SALE,
    from: 'const request = `${method} ${url}${digest}`',
    to: 'const request = `${method} ${new URL(url).pathname}${digest}`',
    test: 'journeys/raw',
  },
  {
    row: 'I11',
    file: 'src/ledger/alarm.ts',
    from: '  async #write(relistedAt: number | null): Promise<void> {\n    await this.#account.list(relistedAt)',
    to: '  async #write(relistedAt: number | null): Promise<void> {\n    if (!this.#isListed) await this.#account.list(relistedAt)',
    test: 'operator/book',
  },
  {
    row: 'I12',
    file: 'src/schemes/channel/scheme.ts',
    from: "if (config.receiver !== terms.receiver) return because('channel_receiver')",
    to: '',
    test: 'schemes/channel/channel',
  },
  {
    row: 'I13',
    file: CLAIMS,
    from: 'const second = first.bad.length === 0 ? await split(rest, reason, trial) : await bisect(rest, trial)',
    to: 'const second = await split(rest, reason, trial)',
    test: 'settlement/channels/claims',
  },
  {
    row: 'I14',
    file: 'src/operator/accounts.ts',
    from: 'return evidence ? { ...entry, signature } : entry\n}\n\n/**\n * A page of a credit',
    to: 'return entry\n}\n\n/**\n * A page of a credit',
    test: 'operator/evidence',
  },
  {
    row: 'I14',
    file: 'src/settlement/channels/observe.ts',
    from: 'if (state) await accountOf(settings, id).observe(state, hash)',
    to: 'if (state) await accountOf(settings, id).observe(state)',
    test: 'operator/evidence',
  },
]
