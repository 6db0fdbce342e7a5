/** An account's arithmetic: `authorized >= charged >= redeemed`, whatever backs the promise. Pure. */

/** Running totals of one account, in atomic units. */
export type Totals = {
  /** Promised by the payer: the highest voucher seen. */
  authorized: bigint
  /** Owed for what was delivered. */
  charged: bigint
  /** Received: claimed on chain. */
  redeemed: bigint
  /** Charges taken back after they were redeemed; used up before the next charge. */
  credit: bigint
}

/** A broken promise of our own code or of the chain; never a payer's doing. */
export class InvariantFault extends Error {
  override name = 'InvariantFault'
}

/** Raises what the payer has promised. A lower promise than the highest changes nothing. */
export function authorize(totals: Totals, upTo: bigint): Totals {
  return upTo > totals.authorized ? checked({ ...totals, authorized: upTo }) : totals
}

/** Takes `price` from the credit first and charges the rest. `due` is what was charged. */
export function charge(totals: Totals, price: bigint): { totals: Totals; due: bigint } {
  const fromCredit = price < totals.credit ? price : totals.credit
  const due = price - fromCredit
  return {
    totals: checked({ ...totals, charged: totals.charged + due, credit: totals.credit - fromCredit }),
    due,
  }
}

/** Takes a charge back. What was redeemed meanwhile cannot be taken back, so it becomes a credit. */
export function release(totals: Totals, amount: bigint): Totals {
  const unredeemed = totals.charged - totals.redeemed
  const back = amount < unredeemed ? amount : unredeemed
  return checked({ ...totals, charged: totals.charged - back, credit: totals.credit + amount - back })
}

/**
 * Sets what was received, as the chain has it. The chain is right even where it says more than we charged
 * (only the receiver's own keys can claim): then the other totals follow it.
 */
export function redeem(totals: Totals, redeemed: bigint): Totals {
  const charged = redeemed > totals.charged ? redeemed : totals.charged
  const authorized = charged > totals.authorized ? charged : totals.authorized
  return checked({ ...totals, authorized, charged, redeemed })
}

/** Invariant: no total is negative, and `authorized >= charged >= redeemed`. */
function checked(totals: Totals): Totals {
  const { authorized, charged, redeemed, credit } = totals
  if (redeemed < 0n || credit < 0n || charged < redeemed || authorized < charged) {
    throw new InvariantFault(
      `authorized ${authorized}, charged ${charged}, redeemed ${redeemed}, credit ${credit}`,
    )
  }
  return totals
}
