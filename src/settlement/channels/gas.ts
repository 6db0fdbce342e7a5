/** Gas as a run sees it: what is worth claiming now, and whether the relayer can go on paying. */
import { feeNow, lowWater, worthItsGas } from '../../chain/relayer/gas-money.ts'
import { type Conditions, readConditions } from '../../chain/relayer/transaction.ts'
import type { Finding } from '../../ledger/book/finding.ts'
import { sendWebhook } from '../../platform/webhook.ts'
import type { Settings } from '../context.ts'

/** The least amount that is worth claiming or sweeping now, in atomic units. @throws ChainFault when fees are unreadable */
export async function leastOf(settings: Settings, use: 'claim' | 'sweep'): Promise<bigint> {
  const { minClaim, nativePrice } = settings.gas
  if (nativePrice === null) return minClaim
  const least = worthItsGas(use, feeNow(await conditionsOf(settings)), nativePrice)
  return least > minClaim ? least : minClaim
}

/**
 * Warns while the relayer's gas money is below twice its reserve: by a finding, and by the operator's webhook. A step that
 * is repeated sends the event again, with the same id. `now`: Unix ms.
 * @throws ChainFault when the balance is unreadable
 */
export async function compareGas(settings: Settings, now: number): Promise<Finding[]> {
  const mark = lowWater(settings.gas)
  const { balance } = await conditionsOf(settings)
  if (balance >= mark) return []
  const account = await settings.relayer.address()
  const [day] = new Date(now).toISOString().split('T')
  const event = { id: `low_gas:${account}:${day}`, type: 'relayer.low_gas', relayer: account, at: now }
  const wei = { balance: balance.toString(), mark: mark.toString() }
  if (settings.webhook) await sendWebhook(settings.webhook, { ...event, ...wei })
  return [{ account, what: 'low_gas', detail: `holds ${balance} wei and must hold ${mark}` }]
}

async function conditionsOf({ chain, relayer }: Settings): Promise<Conditions> {
  return readConditions(chain, await relayer.address())
}
