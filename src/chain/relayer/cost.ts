/** The cost of a mined transaction. */
import type { Hex } from '../../protocol/evm/hex.ts'
import { faultOf, quantity } from '../node-client.ts'
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
  const gas = quantity(receipt.gasUsed ?? 0)
  const forData = 'l1Fee' in receipt && receipt.l1Fee ? quantity(receipt.l1Fee) : 0n
  return { gas, wei: gas * quantity(receipt.effectiveGasPrice ?? 0) + forData }
}
