/** Section B of docs/faults.md: signatures, amounts, offers. */
import type { Removal } from '../removal.ts'

const EXACT = 'src/schemes/exact/scheme.ts'
const CHANNEL = 'src/schemes/channel/scheme.ts'

/** See {@link Removal}. */
export const SIGNATURES: readonly Removal[] = [
  {
    row: 'B1',
    file: 'src/protocol/evm/secp256k1.ts',
    from: 'if (lower.slice(66, 130) > HALF_ORDER) return undefined',
    to: '',
    test: 'protocol/evm/secp256k1',
  },
  {
    row: 'B2',
    file: 'src/protocol/evm/eip712.ts',
    from: 'writeUint(3, BigInt(chainId))',
    to: 'writeUint(3, 84_532n)',
    test: 'protocol/evm/eip712',
  },
  {
    row: 'B3',
    file: CHANNEL,
    from: "if (config.payerAuthorizer === ZERO_ADDRESS) return because('channel_wallet')",
    to: '',
    test: 'schemes/wallets',
  },
  {
    row: 'B4',
    file: 'src/chain/relayer/relayer.ts',
    from: "if ('refused' in trial) return { status: 'refused', reason: trial.refused }",
    to: "if ('refused' in trial) Object.assign(trial, { gas: 300_000n })",
    test: 'schemes/wallets',
  },
  {
    row: 'B5',
    file: CHANNEL,
    from: 'voucher.signature, config.payerAuthorizer)',
    to: 'voucher.signature, config.receiver)',
    test: 'schemes/wallets',
  },
  {
    row: 'B6',
    file: EXACT,
    from: 'if (!signedBy(transferAuthorizationDigest(authorization, usdc), signature, authorization.from)) {',
    to: "if (signature === '0x') {",
    test: 'schemes/wallets',
  },
  {
    row: 'B7',
    file: 'src/chain/facilitator/self.ts',
    from: "return refuse('chain_unreadable', { detail: thrown.message })",
    to: 'return accept(null)',
    test: 'chain/facilitator/self',
  },
  {
    row: 'B8',
    file: 'src/protocol/amount.ts',
    from: 'const CANONICAL = /^(0|[1-9][0-9]{0,38})$/',
    to: 'const CANONICAL = /^[0-9]{1,39}$/',
    test: 'protocol/amount',
  },
  {
    row: 'B9',
    file: 'src/schemes/scheme.ts',
    from: 'same(accepted.payTo, offer.payTo) &&',
    to: '',
    test: 'schemes/channel/channel',
  },
  {
    row: 'B10',
    file: 'src/paywall/gate.ts',
    from: 'isPaying && former ? await formerQuotes(await former(), asked, url, decision) : []',
    to: 'isPaying && former ? (await formerQuotes([], asked, url, decision)) : []',
    test: 'app/sites',
  },
]
