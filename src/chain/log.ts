/** An event that a contract wrote into a transaction's receipt. */

import type { Address, Hex } from '../protocol/evm/hex.ts'

export type Log = { address: Address; topics: Hex[]; data: Hex }
