/** Screens both ends of a purchase, and answers for what must not go on. */

import type { Authorizations } from '../ledger/exact/authorizations.ts'
import { retryOnce } from '../platform/retry.ts'
import type { Address } from '../protocol/evm/hex.ts'
import { type Refusal, refuse } from '../protocol/refusal.ts'
import type { JournalledScreening, Screened, ScreenedAct } from '../protocol/screening.ts'
import type { Screen } from '../screening/screen.ts'

/** The sources of screening, and the objects that journal decisions about an address. */
export type ScreeningPorts = { screen: Screen; authorizations: DurableObjectNamespace<Authorizations> }

/** Screens the receiver of one site's payments. */
export type ReceiverScreen = {
  /** Whether a list names the receiver, as far as memory has it: then it is not offered. Asks nothing. */
  isListed(): boolean
  /** The decision, before money moves to the receiver. A listed one that the operator has released is paid. */
  decide(act: ScreenedAct): Promise<Screened>
}

/** The screen of a receiver on a network (CAIP-2). The object of its own payments journals that it is listed, as for a sweep. */
export function receiverScreen(
  { screen, authorizations }: ScreeningPorts,
  network: string,
  receiver: Address,
): ReceiverScreen {
  let isReleased = false
  return {
    isListed: () => !isReleased && screen.lists(receiver),
    async decide(act) {
      const decision = await screen(act, receiver)
      if (decision.status !== 'listed') return decision
      const journal = () => authorizations.getByName(`${network}:${receiver}`)
      isReleased = (await retryOnce(async () => journal().screened(decision))) === null
      return { ...decision, isAllowed: isReleased }
    },
  }
}

/** The decisions that are journalled with a charge. A listed address is journalled in its own object alone. */
export function journalled(payer: Screened, receiver: Screened | undefined): JournalledScreening {
  return {
    screening: payer,
    ...(receiver && receiver.status !== 'listed' && { receiverScreening: receiver }),
  }
}

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
export function stopped(
  { status, list, reason }: Screened,
  listed: 'payer_listed' | 'receiver_listed' = 'payer_listed',
): { ok: false; refusal: Refusal } {
  return refuse(status === 'listed' ? listed : 'screening_unknown', { detail: `${list}: ${reason}` })
}
