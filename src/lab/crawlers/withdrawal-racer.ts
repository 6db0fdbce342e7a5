/** Reads on a channel, starts to withdraw its escrow, reads on, takes the money out, and returns with old vouchers [F1, A14]. */
import { encodeFunctionData, parseAbi } from 'viem'
import type { ChannelConfig } from '../../protocol/evm/channel.ts'
import type { Hex } from '../../protocol/evm/hex.ts'
import type { Behaviour, Kit } from './crawler.ts'
import { paymentOf, voucherOf } from './paper.ts'

const CONFIG =
  '(address payer, address payerAuthorizer, address receiver, address receiverAuthorizer, address token, uint40 withdrawDelay, bytes32 salt) config'
const ESCROW = parseAbi([
  `function initiateWithdraw(${CONFIG}, uint128 amount)`,
  `function finalizeWithdraw(${CONFIG})`,
  'function channels(bytes32 channelId) view returns (uint128 balance, uint128 totalClaimed)',
])

const PAGES = 5

/** Withdraws all that it has deposited, one second after it may. */
export const withdrawalRacer: Behaviour = async (kit) => {
  for (let page = 1; page <= PAGES; page++) await kit.buy(`/before/${page}`)
  const old = await kit.sign('/old')
  const { channelConfig, voucher } = voucherOf(paymentOf(old))
  const deposited = await balanceOf(kit, voucher.channelId)
  await withdraw(kit, 'initiateWithdraw', [channelConfig, deposited])
  for (let page = 1; page <= PAGES; page++) await kit.buy(`/pending/${page}`)
  await kit.advance(`${channelConfig.withdrawDelay + 1}s`)
  await withdraw(kit, 'finalizeWithdraw', [channelConfig])
  await kit.send('/old', { headers: old.headers })
  // Trap: the upstream client would deposit again, and so pay what it took.
  for (let page = 1; page <= PAGES; page++) await kit.send(`/after/${page}`, { headers: old.headers })
}

async function balanceOf({ rpc, chain }: Kit, channelId: Hex): Promise<bigint> {
  const data = encodeFunctionData({ abi: ESCROW, functionName: 'channels', args: [channelId] })
  const answer = (await rpc('eth_call', [{ to: chain.escrow, data }, 'latest'])) as Hex
  return BigInt(answer.slice(0, 66))
}

/** A withdrawal that the contract refuses means that the watch has claimed everything. */
async function withdraw(
  { transact, chain }: Kit,
  functionName: 'initiateWithdraw' | 'finalizeWithdraw',
  args: readonly [ChannelConfig, bigint] | readonly [ChannelConfig],
): Promise<void> {
  const data = encodeFunctionData({ abi: ESCROW, functionName, args } as Parameters<
    typeof encodeFunctionData
  >[0])
  await transact(chain.escrow, data).catch(() => {})
}
