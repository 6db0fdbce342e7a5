/** Dust: what is not worth its gas now. It waits, unless its payer is leaving or it is old. */
import type { Standing } from '../../ledger/channel/types.ts'
import { DAY_MS } from '../../platform/time.ts'
import type { Hex } from '../../protocol/evm/hex.ts'
import { accountOf, type Settings } from '../context.ts'
import type { ClaimRow } from './claims.ts'

/** A claim that waits, as a run records it. `amount` in atomic units. */
export type Dust = { channelId: Hex; amount: string }

/** Dust of this age is claimed at a loss: a payer may never come back, and its voucher is all we have. */
export const CLAIM_AFTER_MS = 30 * DAY_MS

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
  const old = await accountOf(settings, channelId).owedSince(now - CLAIM_AFTER_MS)
  return old > 0n ? null : { channelId, amount: owed.toString() }
}
