/** Faults of the chain itself, by anvil’s own methods. */
import type { LabStage } from '../stage.ts'
import type { ChainFailure, Mend } from './fail.ts'

/** Sets a fault. A reorg, dropped transactions and a foreign one have happened then, and cannot be mended. */
export async function failChain({ chain, relayer }: LabStage, fault: ChainFailure): Promise<Mend> {
  const { rpc } = chain
  if ('reorg' in fault) {
    await rpc('anvil_reorg', [fault.reorg, []])
    return async () => {}
  }
  if ('mining' in fault) {
    await rpc('evm_setAutomine', [false])
    return async () => {
      await rpc('evm_setAutomine', [true])
      await rpc('evm_mine')
    }
  }
  if ('baseFee' in fault) {
    const block = (await rpc('eth_getBlockByNumber', ['latest', false])) as { baseFeePerGas: string }
    await setBaseFee(chain, `0x${fault.baseFee.toString(16)}`)
    return () => setBaseFee(chain, block.baseFeePerGas)
  }
  if ('drop' in fault) {
    await rpc('anvil_dropAllTransactions')
    return async () => {}
  }
  if (fault.relayer === 'empty') {
    const balance = await rpc('eth_getBalance', [relayer.address, 'latest'])
    await rpc('anvil_setBalance', [relayer.address, '0x0'])
    return async () => {
      await rpc('anvil_setBalance', [relayer.address, balance])
    }
  }
  await rpc('eth_sendTransaction', [{ from: relayer.address, to: relayer.address, value: '0x0' }])
  return async () => {}
}

async function setBaseFee({ rpc }: LabStage['chain'], fee: string): Promise<void> {
  await rpc('anvil_setNextBlockBaseFeePerGas', [fee])
  await rpc('evm_mine')
}
