/** Withdrawals that payers have started on chain, and when the watch must look for them. */
import { toEventSelector } from 'viem'
import type { LocalChain } from '../testing/chain/chain.ts'

const INITIATED = toEventSelector('WithdrawInitiated(bytes32,uint128,uint40)')
const FINALIZED = toEventSelector('WithdrawFinalized(bytes32,address,uint128)')

const DAY_MS = 86_400_000
const WATCH_MS = 300_000

/** The watch fires every five minutes for this long after a withdrawal was started, and before it can be finished. */
const NEAR_MS = 3_600_000

/** A withdrawal that is not finished, in Unix milliseconds. */
export type Withdrawal = { since: number; until: number }

type Log = { topics: string[]; data: string; blockTimestamp?: string }

/** The withdrawals that are not finished, by the escrow’s logs. */
export async function openWithdrawals({ rpc, escrow }: LocalChain): Promise<Withdrawal[]> {
  const filter = { address: escrow, fromBlock: '0x0', toBlock: 'latest', topics: [[INITIATED, FINALIZED]] }
  const open = new Map<string, Withdrawal>()
  for (const { topics, data, blockTimestamp } of (await rpc('eth_getLogs', [filter])) as Log[]) {
    const [event, channel = ''] = topics
    if (event === FINALIZED) open.delete(channel)
    else
      open.set(channel, {
        since: Number(blockTimestamp ?? 0) * 1000,
        until: Number(`0x${data.slice(66, 130)}`) * 1000,
      })
  }
  return [...open.values()]
}

/** The next midnight (UTC) after a moment, in Unix milliseconds. */
export function midnightAfter(now: number): number {
  return (Math.floor(now / DAY_MS) + 1) * DAY_MS
}

/**
 * When the next watch fires. A nightly run needs a recent one, so the last of each day always does; the others only while a withdrawal
 * is near its start or its end. Fires at multiples of five minutes, as the cron does.
 */
export function nextWatch(now: number, withdrawals: readonly Withdrawal[]): number {
  const midnight = midnightAfter(now)
  const last = midnight - WATCH_MS > now ? midnight - WATCH_MS : midnight + DAY_MS - WATCH_MS
  const near = withdrawals.flatMap(({ since, until }) => {
    if (now < since + NEAR_MS) return [watchAfter(now)]
    if (now >= until) return []
    return [watchAfter(Math.max(now, until - NEAR_MS - 1))]
  })
  return Math.min(last, ...near)
}

function watchAfter(moment: number): number {
  return (Math.floor(moment / WATCH_MS) + 1) * WATCH_MS
}
