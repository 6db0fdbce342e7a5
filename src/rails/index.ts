/** The one list of rails: the limits of each, and what must be configured before it can collect. */
import type { RailName } from '../ledger/billing/types.ts'
import { CENT, type Unit } from './rail.ts'

/**
 * Every rail by name. A name of `RAIL_NAMES` without a row is a type error, and so is a row without a name. `needs`
 * says what must be set; the nightly run reports it when an agent's terms name a rail that is not configured.
 */
export const RAILS = {
  // The ledger counts in the token's own units, so nothing is rounded. A transfer on chain costs about a cent, though.
  stablecoin: { unit: 1n, least: CENT, needs: 'a site that offers `exact`' },
  // Stripe charges no card for less than 50 cents.
  stripe: {
    unit: CENT,
    least: 50n * CENT,
    needs: 'STRIPE_SECRET_KEY, STRIPE_WEBHOOK_SECRET and `main = "src/worker-stripe.ts"`',
  },
  transfer: { unit: CENT, least: CENT, needs: 'SELLER, OPERATOR_KEY and PUBLIC_URL' },
} as const satisfies Record<RailName, Unit & { needs: string }>

/** Returns the limits of a rail, in micro-dollars. */
export function unitOf(name: RailName): Unit {
  const { unit, least } = RAILS[name]
  return { unit, least }
}

/** Says what must be configured before the rail `name` can collect. */
export function notConfigured(name: RailName): string {
  return `rail "${name}" must be configured: it needs ${RAILS[name].needs}`
}
