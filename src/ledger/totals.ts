/** The arithmetic of an account: `authorized >= charged >= redeemed`, for channels and credit lines. Pure. */

/** Running totals of one account, in atomic units. The value of all deliveries is `charged - credit`. */
export type Totals = {
  /** Promised by the payer: the highest voucher, or the sum of commitments. */
  authorized: bigint
  /** The larger of what deliveries are worth and what was received. */
  charged: bigint
  /** Received: claimed on chain, or paid on invoices. */
  redeemed: bigint
  /** Account balance: received for charges that were released too late. The next charges use it first. */
  credit: bigint
}

/** An invariant that our own code or the chain broke. A payer cannot cause it. */
export class InvariantFault extends Error {
  override name = 'InvariantFault'
}

/** Raises `authorized` to `upTo`. Returns the totals unchanged if `upTo` is lower. */
export function authorize(totals: Totals, upTo: bigint): Totals {
  return upTo > totals.authorized ? { ...totals, authorized: upTo } : totals
}

/**
 * Takes `price` from the account balance first and charges the rest. `due` is the part that was charged.
 * @throws InvariantFault when the charge exceeds `authorized`
 */
export function charge(totals: Totals, price: bigint): { totals: Totals; due: bigint } {
  const next = deliver(totals, delivered(totals) + price)
  return { totals: next, due: next.charged - totals.charged }
}

/**
 * Takes back a charge of `price`. The part already redeemed becomes account balance (`credit`).
 * @throws InvariantFault when less than `price` was delivered
 */
export function release(totals: Totals, price: bigint): Totals {
  return deliver(totals, delivered(totals) - price)
}

/**
 * Sets `redeemed` to the amount the chain or the rail has received.
 *
 * It may exceed `charged`, when a charge was released while its claim was on the way. Then the other totals
 * rise to it, and the difference becomes account balance.
 * @throws InvariantFault when `redeemed` is negative
 */
export function redeem(totals: Totals, redeemed: bigint): Totals {
  const authorized = larger(totals.authorized, redeemed)
  return deliver({ ...totals, authorized, redeemed }, delivered(totals))
}

/** The value of all deliveries, in atomic units. */
export function delivered({ charged, credit }: Omit<Totals, 'authorized' | 'redeemed'>): bigint {
  return charged - credit
}

/** Returns the totals for deliveries worth `value` in all. */
function deliver({ authorized, redeemed }: Totals, value: bigint): Totals {
  const charged = larger(value, redeemed)
  if (value < 0n || redeemed < 0n || authorized < charged) {
    throw new InvariantFault('totals must keep authorized >= charged >= redeemed >= 0')
  }
  return { authorized, charged, redeemed, credit: charged - value }
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}
