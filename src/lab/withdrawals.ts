/** Withdrawals that payers have started on chain. */
import { toEventSelector } from 'viem'
import type { LocalChain } from '../testing/chain/chain.ts'

const INITIATED = toEventSelector('WithdrawInitiated(bytes32,uint128,uint40)')
const FINALIZED = toEventSelector('WithdrawFinalized(bytes32,address,uint128)')

/** Watches are fired every five minutes for this long after a withdrawal was started, and before it can be finished. */
const NEAR_SECONDS = 3_600n

type Log = { topics: string[]; data: string; blockTimestamp?: string }

/** Whether a withdrawal was started lately, or can be finished soon. `now` in Unix milliseconds. */
export async function isWithdrawing({ rpc, escrow }: LocalChain, now: number): Promise<boolean> {
  const filter = { address: escrow, fromBlock: '0x0', toBlock: 'latest', topics: [[INITIATED, FINALIZED]] }
  const open = new Map<string, { since: bigint; until: bigint }>()
  for (const { topics, data, blockTimestamp } of (await rpc('eth_getLogs', [filter])) as Log[]) {
    const [event, channel = ''] = topics
    if (event === FINALIZED) open.delete(channel)
    else open.set(channel, { since: BigInt(blockTimestamp ?? 0), until: BigInt(`0x${data.slice(66, 130)}`) })
  }
  const seconds = BigInt(Math.floor(now / 1000))
  return [...open.values()].some(
    ({ since, until }) =>
      seconds - since < NEAR_SECONDS || (seconds < until && until - seconds < NEAR_SECONDS),
  )
}
