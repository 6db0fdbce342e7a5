/** The relayer's key, and the address that the operator states for it. */
import type { Address, Hex } from '../../protocol/evm/hex.ts'
import { addressOf } from '../../protocol/evm/secp256k1.ts'

/** A private key and its address. */
export type RelayerKey = { key: Hex; address: Address }

const checked = new WeakSet<RelayerKey>()

/**
 * Asserts that the address is that of the key, and derives the key at most once. Trap: with a wrong address, payers would
 * open channels that this key cannot claim. Call it before a channel payment is accepted or a transaction is signed.
 * @throws Error if the address is another one; RangeError if the key is not valid
 */
export function assertAddress(relayer: RelayerKey): void {
  if (checked.has(relayer)) return
  if (addressOf(relayer.key) !== relayer.address)
    throw new Error('RELAYER_ADDRESS must be the address of RELAYER_KEY')
  checked.add(relayer)
}
