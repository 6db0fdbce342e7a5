/** Event logs of transactions. */

import type { Address, Hex } from '../protocol/evm/hex.ts'

/** An event in a transaction's receipt. `address` is in lower case. */
export type Log = { address: Address; topics: Hex[]; data: Hex }
