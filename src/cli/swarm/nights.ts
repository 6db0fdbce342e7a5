/** The nightly runs after a load. Before each one every payer buys a page more, so that each has money to move. */
import { DAY_MS } from '../../platform/time.ts'
import type { StackFacts } from '../../testing/stack/stack.ts'
import { chainReader, operatorClient } from '../demo/clients.ts'
import { freeMidnight, runNightly } from '../demo/nightly.ts'
import type { Figures } from './money.ts'
import type { Lane } from './run.ts'

/** One nightly run. Amounts are micro-dollars of all accounts of the stack, but `unsettled`: what the payers here still owe. */
export type SwarmNight = {
  /** The midnight that it ended at, as ISO 8601. */
  at: string
  /** How the settlement run has ended, such as `settled` or `in_doubt`. */
  status: string
  findings: number
  claimed: bigint
  swept: bigint
  /** The growth of the receiver’s wallet, by the chain. */
  received: bigint
  unsettled: bigint
  transactions: number
}

/** Whether a nightly run has moved all that it should, and the chain agrees. */
export function isSoundNight({ status, swept, received, unsettled }: SwarmNight): boolean {
  return status === 'settled' && swept === received && unsettled === 0n
}

/** Passes some nights, one at least. `read`: reads all lanes. Returns what it has read at last, too. */
export async function passNights(
  stack: StackFacts,
  count: number,
  lanes: readonly Lane[],
  read: () => Promise<Figures[]>,
): Promise<{ passed: SwarmNight[]; figures: Figures[] }> {
  const [operator, chain] = [operatorClient(stack), chainReader(stack)]
  const passed: SwarmNight[] = []
  const first = await freeMidnight(operator, Date.now())
  for (let figures: Figures[] = []; ; ) {
    if (passed.length >= count) return { passed, figures }
    await Promise.all(lanes.map(({ kit }) => kit.buy('')))
    const before = await chain.holds(stack.receiver)
    const midnight = first + passed.length * DAY_MS
    const { settlement } = await runNightly(stack, operator, midnight)
    const { claimed, swept, transactions, findings } = settlement.record
    const received = (await chain.holds(stack.receiver)) - before
    figures = await read()
    passed.push({
      at: new Date(midnight).toISOString(),
      status: settlement.status,
      findings: findings.count,
      claimed: BigInt(claimed),
      swept: BigInt(swept),
      received,
      unsettled: figures.reduce((sum, { unsettled }) => sum + (unsettled ?? 0n), 0n),
      transactions: transactions.list.length,
    })
  }
}
