/** An account's arithmetic: `authorized >= charged >= redeemed`, whatever backs the promise. Pure. */

/** Running totals of one account, in atomic units. What was delivered for is `charged - credit`. */
export type Totals = {
  /** Promised by the payer: the highest voucher seen. */
  authorized: bigint
  /** Owed for what was delivered, or received, whichever is more. */
  charged: bigint
  /** Received: claimed on chain. */
  redeemed: bigint
  /** Received for charges that were taken back too late; used up before the next charge. */
  credit: bigint
}

/** A broken promise of our own code or of the chain; never a payer's doing. */
export class InvariantFault extends Error {
  override name = 'InvariantFault'
}

/** Raises what the payer has promised. A lower promise than the highest changes nothing. */
export function authorize(totals: Totals, upTo: bigint): Totals {
  return upTo > totals.authorized ? { ...totals, authorized: upTo } : totals
}

/** Takes `price` from the credit first and charges the rest. `due` is what was charged. */
export function charge(totals: Totals, price: bigint): { totals: Totals; due: bigint } {
  const next = deliver(totals, delivered(totals) + price)
  return { totals: next, due: next.charged - totals.charged }
}

/** Takes back what {@link charge} took for `price`. What was redeemed cannot be taken back, so it becomes a credit. */
export function release(totals: Totals, price: bigint): Totals {
  return deliver(totals, delivered(totals) - price)
}

/**
 * Sets what was received, as the chain has it. The chain is right even where it says more than we charged (a charge was
 * released while its claim was on the way): then the other totals follow it, and what was received too much is a credit.
 */
export function redeem(totals: Totals, redeemed: bigint): Totals {
  const authorized = larger(totals.authorized, redeemed)
  return deliver({ ...totals, authorized, redeemed }, delivered(totals))
}

/** What all that was delivered is worth. */
export function delivered({ charged, credit }: Totals): bigint {
  return charged - credit
}

/** The totals that follow once deliveries are worth `value` in all. */
function deliver({ authorized, redeemed }: Totals, value: bigint): Totals {
  const charged = larger(value, redeemed)
  if (value < 0n || redeemed < 0n || authorized < charged) {
    throw new InvariantFault(`authorized ${authorized}, delivered ${value}, redeemed ${redeemed}`)
  }
  return { authorized, charged, redeemed, credit: charged - value }
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}
