/** The answers to a channel payment: corrections, refusals over amounts, and the channel on the wire. Pure. */
import { reasonOfDeclined } from '../../chain/relayer/gas-money.ts'
import type { DeclinedOrder } from '../../chain/relayer/spending.ts'
import type { Charged, Standing } from '../../ledger/channel/types.ts'
import type { Address, Hex } from '../../protocol/evm/hex.ts'
import { accept, type Refusal, refuse } from '../../protocol/refusal.ts'
import type { SettleResponse } from '../../protocol/x402/types.ts'
import type { Charge } from '../scheme.ts'

/** The refusal of an order that the relayer does not pay for. A corrective 402 states the amount that is worth its gas. */
export function declined(
  { reason, least }: DeclinedOrder,
  kind: 'deposit' | 'refund',
): { ok: false; refusal: Refusal } {
  return reason === 'below_gas'
    ? tooSmall(kind, least)
    : refuse(reasonOfDeclined(reason, kind), { detail: reason })
}

/** The refusal of an amount below the least one, which a corrective 402 states. Atomic units. */
export function tooSmall(kind: 'deposit' | 'refund', least: bigint): { ok: false; refusal: Refusal } {
  return kind === 'deposit'
    ? refuse('deposit_too_small', { terms: { minDeposit: least.toString() } })
    : refuse('refund_too_small', { terms: { minRefund: least.toString() } })
}

/** The charge of a payment that buys nothing: its receipt is all there is. */
export function receiptOnly(receipt: SettleResponse): Charge {
  return { settle: async () => accept(receipt), release: async () => null }
}

/** The channel of a receipt. `network` is CAIP-2. */
export type Parties = { channelId: Hex; network: string; payer: Address }

/**
 * The receipt of a charge of `due`, or of a refund without it. `moved`: the amount that the transaction moved. x402
 * batch-settlement §Payment Response Contract: every amount a string, and no `chargedAmount` for a refund.
 */
export function receiptOf(
  { channelId, network, payer }: Parties,
  known: Pick<Charged, 'state' | 'charged'>,
  transaction: Hex | null,
  moved: bigint | null,
  due?: bigint,
): SettleResponse {
  const channel = channelState(channelId, known)
  return {
    success: true,
    transaction: transaction ?? '',
    network,
    payer,
    amount: transaction && moved !== null ? moved.toString() : '',
    extra:
      due === undefined
        ? { channelState: channel }
        : { chargedAmount: due.toString(), channelState: channel },
  }
}

/** The channel in the words of the wire: every amount a string. */
function channelState(channelId: Hex, { state, charged }: Pick<Charged, 'state' | 'charged'>) {
  return {
    channelId,
    balance: state.balance.toString(),
    totalClaimed: state.totalClaimed.toString(),
    withdrawRequestedAt: state.withdrawRequestedAt,
    refundNonce: state.refundNonce.toString(),
    chargedCumulativeAmount: charged.toString(),
  }
}

/**
 * The account state that a corrective 402 adds to the offer's `extra`. Threat: it must go only to a client that sent a voucher
 * signed by the channel's own authorizer (faults: A13). Without a stored voucher the payer must read the chain.
 */
export function correctiveTerms(standing: Standing | null): Record<string, unknown> {
  if (!standing) return {}
  const voucherState = { signedMaxClaimable: standing.authorized.toString(), signature: standing.signature }
  return {
    channelState: channelState(standing.channelId, standing),
    ...(standing.signature !== '0x' && { voucherState }),
  }
}
