/** Payers who withdraw, and the firings of the watch. */
import { encodeFunctionData, parseAbi } from 'viem'
import type { Address } from '../../../src/protocol/evm/hex.ts'
import { send } from '../../chain/payer.ts'
import type { OpenChannel } from '../harness.ts'

const WITHDRAW = parseAbi([
  'struct ChannelConfig { address payer; address payerAuthorizer; address receiver; address receiverAuthorizer; address token; uint40 withdrawDelay; bytes32 salt; }',
  'function initiateWithdraw(ChannelConfig config, uint128 amount)',
])

/** Initiates the payer's withdrawal of `amount` from the escrow. */
export async function withdraw(
  { config, payer }: OpenChannel,
  escrow: Address,
  amount: bigint,
): Promise<void> {
  const args = [config, amount] as const
  const data = encodeFunctionData({ abi: WITHDRAW, functionName: 'initiateWithdraw', args })
  await send(payer.address, escrow, data)
}

let time = Date.UTC(2026, 10, 21)

/** Returns the next firing of the watch's cron. */
export function nextTime(): number {
  time += 300_000
  return time
}
