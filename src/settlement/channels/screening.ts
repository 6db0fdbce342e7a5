/** Screening in a run: what is not claimed, and where nothing is swept to, because a list names the address. */
import type { Finding } from '../../ledger/book/finding.ts'
import type { Standing } from '../../ledger/channel/types.ts'
import type { Address } from '../../protocol/evm/hex.ts'
import type { Hold, Screened } from '../../protocol/screening.ts'
import { screenPayer } from '../../schemes/screening.ts'
import { accountOf, type Settings } from '../context.ts'

/**
 * Screens the payer of a channel that owes. Returns the finding that stops its claim, or null: the channel is claimed. The
 * account journals the decision, and is held where the payer is listed.
 */
export async function screenClaim(settings: Settings, standing: Standing): Promise<Finding | null> {
  const { channelId: account, config, charged, redeemed, hold } = standing
  if (hold) return heldBack(account, hold, `owes ${charged - redeemed}`)
  if (!settings.screen || charged <= redeemed) return null
  const decision = await screenPayer(settings.screen, 'claim', [config.payer, config.payerAuthorizer])
  const held = await accountOf(settings, account).screened(decision)
  return stops(account, decision, held, `owes ${charged - redeemed}`)
}

/**
 * Screens the receiver of a sweep. Returns the finding that stops it, or null. The object of the receiver's own `exact` payments
 * journals the decision: it is the one object of an address.
 */
export async function screenSweep(settings: Settings, receiver: Address): Promise<Finding | null> {
  const { screen, chain, authorizations } = settings
  if (!screen) return null
  const decision = await screen('sweep', receiver)
  const account = `${chain.network}:${receiver}`
  const held = await authorizations.getByName(account).screened(decision)
  return stops(account, decision, held, 'nothing is swept to it')
}

/** A listed address that the operator has released is not held. */
function stops(
  account: string,
  { status, isAllowed, list, reason }: Screened,
  hold: Hold | null | undefined,
  about: string,
): Finding | null {
  if (hold) return heldBack(account, hold, about)
  if (isAllowed || status === 'listed') return null
  return { account, what: 'unscreened', detail: `${about}; ${list}: ${reason}` }
}

function heldBack(account: string, { list, dated, address, reason }: Hold, about: string): Finding {
  const date = dated === null ? '' : ` of ${new Date(dated).toISOString()}`
  return { account, what: 'held', detail: `${about}; ${address}: ${reason}, ${list}${date}` }
}
