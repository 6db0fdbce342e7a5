/** Section A of docs/faults.md: proofs of payment, replays and races. */
import type { Removal } from '../removal.ts'

const AUTHORIZATIONS = 'src/ledger/exact/authorizations.ts'
const EXACT = 'src/schemes/exact/scheme.ts'
const SELF = 'src/chain/facilitator/self.ts'

/** See {@link Removal}. */
export const PROOFS: readonly Removal[] = [
  {
    row: 'A1',
    file: AUTHORIZATIONS,
    from: "if (row.at > now - LEASE_MS) return { outcome: 'refused', reason: 'exact_in_progress' }",
    to: '',
    test: 'ledger/exact/authorizations',
  },
  {
    row: 'A2',
    file: AUTHORIZATIONS,
    from: "if (!same) return { outcome: 'refused', reason: 'exact_bound' }",
    to: '',
    test: 'ledger/exact/authorizations',
  },
  {
    row: 'A3',
    file: AUTHORIZATIONS,
    from: 'return this.#replay(use, row, now)',
    to: "return { outcome: 'refused', reason: 'exact_used' }",
    test: 'ledger/exact/authorizations',
  },
  {
    row: 'A3',
    file: 'src/paywall/sale.ts',
    from: 'if (charge.answer) return this.#end(charge, this.#goods.restore(charge.answer))',
    to: '',
    test: 'schemes/effects',
  },
  {
    row: 'A4',
    file: EXACT,
    from: 'nonce: authorization.nonce,\n      amount',
    to: "nonce: payment.extensions?.['payment-identifier'] ? `0x${'01'.repeat(32)}` : authorization.nonce,\n      amount",
    test: 'schemes/exact/identifier',
  },
  {
    row: 'A5',
    file: 'src/ledger/replay-window.ts',
    from: '|| entry.at <= now - REPLAY_WINDOW_MS) return undefined',
    to: ') return undefined',
    test: 'ledger/replay-window',
  },
  {
    row: 'A6',
    file: 'src/chain/token.ts',
    from: 'const next = logs[logs.indexOf(use) + 1]',
    to: 'const next = logs.find((log) => isLogOf(log, token, [TRANSFER, word(from), word(to)]))',
    test: 'chain/facilitator/self',
  },
  {
    row: 'A7',
    file: SELF,
    from: "const isOpen = found.status === 'settled' || found.reason === 'exact_failed'",
    to: "const isOpen = found.status === 'refused' && found.reason === 'exact_failed'",
    test: 'chain/facilitator/self',
  },
  {
    row: 'A7',
    file: SELF,
    from: "if (found.status !== 'refused') return found\n",
    to: "if (found.status !== 'refused') return { status: 'refused', reason: 'exact_used', isFinal: true }\n",
    test: 'chain/facilitator/self',
  },
  {
    row: 'A8',
    file: EXACT,
    from: "case 'taken':\n        return this.#use.hasEffects ? this.#payFirst() : accept(this)",
    to: "case 'taken':\n        return accept(this)",
    test: 'schemes/effects',
  },
  {
    row: 'A8',
    file: 'src/paywall/sale.ts',
    from: 'await this.#goods.discard(answer)\n    return receipt',
    to: 'return accept({ answer, receipt: null })',
    test: 'schemes/exact/exact',
  },
  {
    row: 'A9',
    file: AUTHORIZATIONS,
    from: 'const late = use.validBefore < BigInt(Math.floor(Date.now() / 1000)) + MARGIN_SECONDS',
    to: 'const late = use.validBefore < MARGIN_SECONDS',
    test: 'ledger/exact/authorizations',
  },
  {
    row: 'A10',
    file: SELF,
    from: "if (outcome.status === 'mined' && moved(outcome.logs, payment))",
    to: "if (outcome.status === 'mined')",
    test: 'chain/facilitator/self',
  },
  {
    row: 'A11',
    file: 'src/ledger/channel/account.ts',
    from: 'this.#replays.add(entry)',
    to: '',
    test: 'ledger/channel/account',
  },
  {
    row: 'A12',
    file: 'src/ledger/channel/queue.ts',
    from: "return othersTurn ? 'wait' : 'correct'",
    to: "return othersTurn ? 'wait' : 'take'",
    test: 'ledger/channel/queue',
  },
  {
    row: 'A13',
    file: 'src/schemes/channel/scheme.ts',
    from: 'if (!signedBy(voucherDigest(voucher, chainId, escrow), voucher.signature, config.payerAuthorizer)) {',
    to: 'if (voucher.signature.length !== 132) {',
    test: 'schemes/channel/channel',
  },
  {
    row: 'A14',
    file: 'src/ledger/channel/journal.ts',
    from: 'return `${max}:${request}`',
    to: 'return `${max}`',
    test: 'ledger/channel/chain',
  },
]
