/** The cost of a mined transaction. */
import { hexToBigInt, isHex } from 'viem'
import type { Hex } from '../../protocol/evm/hex.ts'
import { faultOf } from '../node-client.ts'
import { type Chain, connect } from '../rpc.ts'

/**
 * Reads the gas used and the total fee in wei, on rollups with the data fee. Null while the transaction is not mined.
 * @throws ChainFault when unreadable
 */
export async function readCost(chain: Chain, hash: Hex): Promise<{ gas: bigint; wei: bigint } | null> {
  const client = await connect(chain)
  const receipt = await client
    .request({ method: 'eth_getTransactionReceipt', params: [hash] })
    .catch((thrown) => {
      throw faultOf(thrown)
    })
  if (!receipt) return null
  const gas = hexToBigInt(receipt.gasUsed ?? '0x0')
  const forData =
    'l1Fee' in receipt && isHex(receipt.l1Fee) && receipt.l1Fee.length > 2 ? hexToBigInt(receipt.l1Fee) : 0n
  return { gas, wei: gas * hexToBigInt(receipt.effectiveGasPrice ?? '0x0') + forData }
}
