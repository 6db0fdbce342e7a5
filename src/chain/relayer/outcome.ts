/** The outcome of an order to the relayer. */
import type { Hex } from '../../protocol/evm/hex.ts'
import type { Log } from '../log.ts'
import type { DeclinedOrder } from './spending.ts'
import type { Receipt } from './transaction.ts'

/**
 * The outcome of an order.
 * - `mined`, `reverted`: the current state; a reorganization can make it `pending` again.
 * - `refused`: the simulation failed. Nothing was signed or sent, and the id may be sent again.
 * - `declined`: we do not pay for it now. Nothing was signed or sent, and the id may be sent again.
 * - `pending`: signed, and sent or about to be. Trap: it may be mined at any time, so never make another instead.
 */
export type Outcome =
  | { status: 'mined'; hash: Hex; block: bigint; logs: Log[] }
  | { status: 'reverted'; hash: Hex; block: bigint }
  | Unsigned
  | { status: 'pending'; hash: Hex }

/** Why nothing was signed. */
export type Unsigned = { status: 'refused'; reason: string } | DeclinedOrder

/** The outcome that a receipt shows. */
export function outcomeOf({ hash, block, succeeded, logs }: Receipt): Outcome {
  return succeeded ? { status: 'mined', hash, block, logs } : { status: 'reverted', hash, block }
}
