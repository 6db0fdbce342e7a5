/** Times the verification of a voucher in workerd: viem's `verifyTypedData` and ours, with the same vouchers. */

import { networks } from '../src/protocol/evm/network.ts'
import { type Channel, type Offered, voucherOver } from './payments.ts'
import { median } from './rounds.ts'
import { startWorker } from './runtime.ts'

const VOUCHERS = 50
const TIMES = 10

/** Medians of the rounds, in microseconds per voucher; `ratio` is the median of the rounds' ratios. */
export type Verified = { viem: number; ours: number; ratio: number }

export async function timeVerification(
  offered: Offered,
  channel: Channel,
  rounds: number,
): Promise<Verified> {
  const network = networks.get(offered.offer.network)
  const vouchers = Array.from({ length: VOUCHERS }, (_, index) =>
    voucherOver(offered.offer, channel, BigInt(offered.offer.amount) * BigInt(index + 1)),
  )
  const order = { chainId: network?.chainId, escrow: network?.escrow, payer: channel.config.payer, vouchers }
  const worker = await startWorker({ main: 'bench/workers/verify.ts', objects: {} })
  const time = async (by: 'viem' | 'us') => {
    const body = JSON.stringify({ by, times: TIMES, ...order })
    const start = performance.now()
    const response = await fetch(worker.url, { method: 'POST', body })
    const { valid } = (await response.json()) as { valid: number }
    if (valid !== VOUCHERS * TIMES)
      throw new Error(`${by}: all ${VOUCHERS * TIMES} vouchers must be valid, but ${valid} are`)
    return ((performance.now() - start) * 1000) / (VOUCHERS * TIMES)
  }
  try {
    // Warm up until the compiler has optimized both.
    for (let warm = 0; warm < 3; warm++) await Promise.all([time('viem'), time('us')])
    const pairs: { viem: number; ours: number }[] = []
    for (let round = 0; round < rounds; round++)
      pairs.push({ viem: await time('viem'), ours: await time('us') })
    return {
      viem: median(pairs.map(({ viem }) => viem)),
      ours: median(pairs.map(({ ours }) => ours)),
      ratio: median(pairs.map(({ viem, ours }) => viem / ours)),
    }
  } finally {
    await worker.stop()
  }
}
