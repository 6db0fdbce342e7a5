/** Gas as a run sees it: what is worth claiming now, and whether the relayer can go on paying. */
import { feeNow, lowWater, worthItsGas } from '../../chain/relayer/gas-money.ts'
import { type Conditions, readConditions } from '../../chain/relayer/transaction.ts'
import type { Finding } from '../../ledger/book/finding.ts'
import { sendWebhook } from '../../platform/webhook.ts'
import type { Settings } from '../context.ts'

/** The least amount that is worth claiming or sweeping now, in atomic units. @throws ChainFault when fees are unreadable */
export async function leastOf(settings: Settings, use: 'claim' | 'sweep'): Promise<bigint> {
  const { minClaim, nativePrice } = settings.gas
  return nativePrice === null ? minClaim : leastAt(await conditionsOf(settings), settings, use)
}

/** The same under conditions that were read before. */
export function leastAt(
  conditions: Conditions,
  { gas: { minClaim, nativePrice } }: Settings,
  use: 'claim' | 'sweep',
): bigint {
  if (nativePrice === null) return minClaim
  const least = worthItsGas(use, feeNow(conditions), nativePrice)
  return least > minClaim ? least : minClaim
}

/** Reads the conditions of the relayer's next transaction. @throws ChainFault when they are unreadable */
export async function conditionsOf({ chain, relayer }: Settings): Promise<Conditions> {
  return readConditions(chain, await relayer.address())
}

/**
 * Warns while the relayer's gas money is below twice its reserve: by a finding, and by the operator's webhook. A step that
 * is repeated sends the event again, with the same id. `now`: Unix ms.
 */
export async function compareGas(
  { balance }: Pick<Conditions, 'balance'>,
  settings: Settings,
  now: number,
): Promise<Finding[]> {
  const mark = lowWater(settings.gas)
  if (balance >= mark) return []
  const account = await settings.relayer.address()
  const [day] = new Date(now).toISOString().split('T')
  const event = { id: `low_gas:${account}:${day}`, type: 'relayer.low_gas', relayer: account, at: now }
  const wei = { balance: balance.toString(), mark: mark.toString() }
  if (settings.webhook) await sendWebhook(settings.webhook, { ...event, ...wei })
  return [{ account, what: 'low_gas', detail: `holds ${balance} wei and must hold ${mark}` }]
}
