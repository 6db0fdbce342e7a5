/** Transactions of a run: each calldata is sent once, and only its receipt on chain counts. */

import type { Log } from '../../chain/log.ts'
import { readCost } from '../../chain/relayer/cost.ts'
import type { Outcome } from '../../chain/relayer/relayer.ts'
import { retryOnce } from '../../platform/retry.ts'
import { fromHex, type Hex, toHex } from '../../protocol/evm/hex.ts'
import type { Settings } from '../context.ts'

/**
 * One transaction in the run's record. Amounts are in atomic units; `wei` is its whole cost. Overlapping runs both list
 * a transaction that they share: add up over several runs by `hash`.
 */
export type Sent = {
  kind: 'claim' | 'sweep'
  /** The id of the relayer's order. */
  id: string
  status: Outcome['status']
  hash: Hex | null
  /** The reason of a refusal. */
  reason: string | null
  /** How many channels it claims from. */
  rows: number
  /** The moved amount, from the escrow's events. */
  amount: string
  gas: string | null
  wei: string | null
}

/**
 * Sends `data` to the escrow, or returns the outcome of the earlier transaction. The id derives from `name`: the same
 * content is the same transaction in every run and retry. Only a transaction that was mined and reverted is sent again.
 * @throws ChainFault when nothing could be sent
 */
export async function sendOnce(
  { relayer, chain }: Settings,
  name: string,
  data: Hex,
): Promise<{ id: string; outcome: Outcome }> {
  for (let attempt = 1; ; attempt++) {
    const id = attempt === 1 ? name : `${name}:${attempt}`
    const known = await relayer.outcome(id)
    if (known.status !== 'reverted') {
      // A watch has minutes: one lost call must not cost it a claim before a withdrawal.
      const send = () => relayer.send({ id, to: chain.escrow, data })
      return { id, outcome: await retryOnce(send) }
    }
  }
}

/** Makes the entry of the record. `amountIn` reads the moved amount (atomic units) from the logs. @throws ChainFault */
export async function record(
  { chain }: Settings,
  kind: Sent['kind'],
  { id, outcome }: { id: string; outcome: Outcome },
  rows: number,
  amountIn: (logs: Log[]) => bigint,
): Promise<Sent> {
  const hash = 'hash' in outcome ? outcome.hash : null
  const cost = hash && outcome.status !== 'pending' ? await readCost(chain, hash) : null
  return {
    kind,
    id,
    status: outcome.status,
    hash,
    reason: 'reason' in outcome ? outcome.reason : null,
    rows,
    amount: (outcome.status === 'mined' ? amountIn(outcome.logs) : 0n).toString(),
    gas: cost?.gas.toString() ?? null,
    wei: cost?.wei.toString() ?? null,
  }
}

/** The SHA-256 of calldata, which names the transaction. */
export async function digestOf(data: Hex): Promise<Hex> {
  return toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', fromHex(data))))
}
