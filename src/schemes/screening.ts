/** Screens the payer of a purchase, and answers for what must not go on. */

import type { Address } from '../protocol/evm/hex.ts'
import { type Refusal, refuse } from '../protocol/refusal.ts'
import type { Screened, ScreenedAct } from '../protocol/screening.ts'
import type { Screen } from '../screening/screen.ts'

/** The decision about several addresses of one payer: the first that must not go on, else the first that is not clear. */
export async function screenPayer(
  screen: Screen,
  act: ScreenedAct,
  addresses: readonly [Address, ...Address[]],
): Promise<Screened> {
  const [first, ...rest] = await Promise.all([...new Set(addresses)].map(async (one) => screen(act, one)))
  if (!first) throw new Error('an address must be screened')
  const all = [first, ...rest]
  return all.find(({ isAllowed }) => !isAllowed) ?? all.find(({ status }) => status !== 'clear') ?? first
}

/** The refusal of a payment that a decision stops. A listed payer is refused, and an unknown one shall ask again. */
export function stopped({ status, list, reason }: Screened): { ok: false; refusal: Refusal } {
  return refuse(status === 'listed' ? 'payer_listed' : 'screening_unknown', { detail: `${list}: ${reason}` })
}
