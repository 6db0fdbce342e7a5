/** The sweep: moves a receiver's claimed amount from the escrow to the receiver, once. */

import { readReceiver } from '../../chain/channels.ts'
import { encodeSweep, escrowEvents } from '../../chain/escrow.ts'
import type { Address } from '../../protocol/evm/hex.ts'
import type { Settings } from '../context.ts'
import { leastOf } from './gas.ts'
import { record, type Sent, sendOnce } from './transactions.ts'

/** A receiver's running totals on chain. Decimal strings in atomic units. */
export type Receiver = { receiver: Address; claimed: string; swept: string }

/** Reads a receiver's claimed and swept totals from the chain. @throws ChainFault */
export async function readTotals({ chain }: Settings, receiver: Address): Promise<Receiver> {
  const { claimed, swept } = await readReceiver(chain, receiver)
  return { receiver, claimed: claimed.toString(), swept: swept.toString() }
}

/**
 * Sweeps the difference in `before`, or returns the outcome of the earlier sweep; null while the difference is not worth its gas. The
 * transaction's name contains the receiver's new total, so that repeated calls send it once. The next run repeats a
 * sweep that failed, because the chain still has the difference.
 * @throws ChainFault
 */
export async function sweep(
  settings: Settings,
  { receiver, claimed, swept }: Receiver,
): Promise<Sent | null> {
  const owed = BigInt(claimed) - BigInt(swept)
  if (owed <= 0n || owed < (await leastOf(settings, 'sweep'))) return null
  const { chain } = settings
  const name = `sweep:${receiver}:${chain.token}:${claimed}`
  const done = await sendOnce(settings, name, encodeSweep(receiver, chain.token))
  return record(settings, 'sweep', done, 0, (logs) =>
    escrowEvents(chain.escrow, logs).reduce(
      (sum, event) => (event.kind === 'swept' && event.receiver === receiver ? sum + event.amount : sum),
      0n,
    ),
  )
}
