/** The payer's withdrawal from the escrow. */
import { encodeFunctionData, parseAbi } from 'viem'
import { send } from '../chain/payer.ts'
import type { OpenChannel } from './harness.ts'

const WITHDRAW = parseAbi([
  'struct ChannelConfig { address payer; address payerAuthorizer; address receiver; address receiverAuthorizer; address token; uint40 withdrawDelay; bytes32 salt; }',
  'function initiateWithdraw(ChannelConfig config, uint128 amount)',
])

/** Initiates the payer's withdrawal of `amount` from the escrow. */
export async function withdraw(
  { config, payer }: Pick<OpenChannel, 'config' | 'payer'>,
  escrow: `0x${string}`,
  amount: bigint,
) {
  const args = [config, amount] as const
  const data = encodeFunctionData({ abi: WITHDRAW, functionName: 'initiateWithdraw', args })
  await send(payer.address, escrow, data)
}
