/** Sections G and H of docs/faults.md: operator, secrets, supply; denial of service and cost. */
import type { Removal } from '../removal.ts'

/** See {@link Removal}. */
export const REST: readonly Removal[] = [
  {
    row: 'G1',
    file: 'src/operator/token.ts',
    from: 'return crypto.subtle.timingSafeEqual(presented, fromHex(expected))',
    to: 'return presented.byteLength === fromHex(expected).byteLength',
    test: 'operator/door',
  },
  {
    row: 'G2',
    file: 'src/worker.ts',
    from: 'if (readings.some(({ match }) => RESERVED.test(match))) return',
    to: 'if (RESERVED.test(pathname)) return',
    test: 'operator/door',
  },
  {
    row: 'G3',
    file: 'src/platform/csv.ts',
    from: "const text = /^[=+\\-@\\t\\r]/.test(cell) ? `'${cell}` : cell",
    to: 'const text = cell',
    test: 'billing/signed-statement',
  },
  {
    row: 'G4',
    file: 'src/platform/secrets.ts',
    from: '.reduce((rest, secret) => rest.replaceAll(secret, CUT), text)',
    to: '.reduce((rest) => rest, text)',
    test: 'platform/secrets',
  },
  {
    row: 'G5',
    file: 'src/config/credit.ts',
    from: '&& !CHAINS.has(text) ?',
    to: '?',
    test: 'config/config',
  },
  {
    row: 'G5',
    file: 'src/config/config.ts',
    from: "WITHDRAW_DELAY >= MIN_SAFE_DELAY || SHORT_WITHDRAW_DELAY === 'accepted'",
    to: 'WITHDRAW_DELAY > 0',
    test: 'config/config',
    title: 'rejects {"WITHDRAW_DELAY":86399} [G5]',
  },
  {
    row: 'G6',
    file: 'package.json',
    from: '"viem": "2.',
    to: '"viem": "^2.',
    test: 'house/style',
  },
  {
    row: 'G6',
    file: 'package-lock.json',
    from: '"node_modules/hono": {\n      "version": "4.',
    to: '"node_modules/hono": {\n      "version": "3.',
    test: 'house/style',
  },
  {
    row: 'H1',
    file: 'src/ledger/channel/account.ts',
    from: 'this.#standing = this.#journal.read()',
    to: 'this.#journal.create()\n    this.#standing = this.#journal.read()',
    test: 'ledger/channel/account',
  },
  {
    row: 'H2',
    file: 'src/chain/relayer/spending.ts',
    from: 'sponsored.amount < least',
    to: 'sponsored.amount < 0n',
    test: 'chain/relayer/spending',
  },
  {
    row: 'H3',
    file: 'src/paywall/payers.ts',
    from: 'if (open >= MAX_AT_ONCE) return false',
    to: '',
    test: 'paywall/payers',
  },
  {
    row: 'H4',
    file: 'src/paywall/decisions.ts',
    from: 'return decided.ok && decided.value.asks ?',
    to: 'return decided.ok ?',
    test: 'paywall/gate',
  },
  {
    row: 'H5',
    file: 'src/settlement/channels/dust.ts',
    from: 'if (owed >= least || row.alone) return null',
    to: 'if (owed >= least || row.alone || !row.quarantined) return null',
    test: 'settlement/channels/dust',
  },
]
