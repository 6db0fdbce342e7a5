/** Dust: what is not worth its gas now. It waits, unless its payer is leaving or it is old. */
import { feeNow, lowWater, worthItsGas } from '../../chain/relayer/gas-money.ts'
import { readConditions } from '../../chain/relayer/transaction.ts'
import { connect } from '../../chain/rpc.ts'
import type { Finding } from '../../ledger/book/finding.ts'
import type { Standing } from '../../ledger/channel/types.ts'
import type { Hex } from '../../protocol/evm/hex.ts'
import { accountOf, type Settings } from '../context.ts'
import type { ClaimRow } from './claims.ts'

/** A claim that waits, as a run records it. `amount` in atomic units. */
export type Dust = { channelId: Hex; amount: string }

/** Dust of this age is claimed at a loss: a payer may never come back, and its voucher is all we have. */
export const CLAIM_AFTER_MS = 30 * 86_400_000

/** The least amount that is worth claiming or sweeping now, in atomic units. @throws ChainFault when fees are unreadable */
export async function leastOf(settings: Settings, use: 'claim' | 'sweep'): Promise<bigint> {
  const { minClaim, nativePrice } = settings.gas
  if (nativePrice === null) return minClaim
  const least = worthItsGas(use, feeNow(await conditionsOf(settings)), nativePrice)
  return least > minClaim ? least : minClaim
}

/** The row as dust that waits; null if it must be claimed now. `now`: Unix ms. */
export async function dustOf(
  settings: Settings,
  { channelId, redeemed }: Standing,
  row: ClaimRow,
  least: bigint,
  now: number,
): Promise<Dust | null> {
  const owed = BigInt(row.total) - redeemed
  if (owed >= least || row.alone) return null
  const since = await accountOf(settings, channelId).owesSince()
  return since !== null && now - since >= CLAIM_AFTER_MS ? null : { channelId, amount: owed.toString() }
}

/** Warns while the relayer's gas money is below twice its reserve. @throws ChainFault */
export async function compareGas(settings: Settings): Promise<Finding[]> {
  const mark = lowWater(settings.gas)
  const { balance } = await conditionsOf(settings)
  if (balance >= mark) return []
  const detail = `holds ${balance} wei and must hold ${mark}: send it gas money`
  return [{ account: await settings.relayer.address(), what: 'low_gas', detail }]
}

async function conditionsOf({ chain, relayer }: Settings) {
  const [client, from] = await Promise.all([connect(chain), relayer.address()])
  return readConditions(client, from)
}
