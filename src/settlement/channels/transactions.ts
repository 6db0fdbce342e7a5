/** Transactions of a run: each content is sent once, and only what the chain has of it counts. */

import type { Log } from '../../chain/log.ts'
import { readCost } from '../../chain/relayer/cost.ts'
import type { Outcome } from '../../chain/relayer/relayer.ts'
import { fromHex, type Hex, toHex } from '../../protocol/evm/hex.ts'
import type { Settings } from '../context.ts'

/**
 * One transaction as the run's record keeps it. Amounts are atomic units, `wei` is what it cost in all. Runs that overlap
 * both list what they share: add up over several runs by `hash`.
 */
export type Sent = {
  kind: 'claim' | 'sweep'
  /** The relayer's order. */
  id: string
  status: Outcome['status']
  hash: Hex | null
  /** Why it was refused. */
  reason: string | null
  /** Channels in it. */
  rows: number
  /** What it moved, by the escrow's own events. */
  amount: string
  gas: string | null
  wei: string | null
}

/**
 * Sends `data` to the escrow, or looks at what became of it. The id is made from `name`, so that the same content is the
 * same transaction in whatever run, retry or second firing; it is made anew only after it was mined and failed.
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
    if (known.status !== 'reverted')
      return { id, outcome: await relayer.send({ id, to: chain.escrow, data }) }
  }
}

/** The line of the record. `amountIn` reads the moved amount from the transaction's logs. */
export async function record(
  { chain }: Settings,
  kind: Sent['kind'],
  { id, outcome }: { id: string; outcome: Outcome },
  rows: number,
  amountIn: (logs: Log[]) => bigint,
): Promise<Sent> {
  const hash = outcome.status === 'refused' ? null : outcome.hash
  const cost = hash && outcome.status !== 'pending' ? await readCost(chain, hash) : null
  return {
    kind,
    id,
    status: outcome.status,
    hash,
    reason: outcome.status === 'refused' ? outcome.reason : null,
    rows,
    amount: (outcome.status === 'mined' ? amountIn(outcome.logs) : 0n).toString(),
    gas: cost?.gas.toString() ?? null,
    wei: cost?.wei.toString() ?? null,
  }
}

/** SHA-256 of calldata: the name of a content. */
export async function digestOf(data: Hex): Promise<Hex> {
  return toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', fromHex(data))))
}
