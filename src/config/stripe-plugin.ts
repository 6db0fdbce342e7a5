/** Code that a build may leave out: what is not needed by most weighs on every cold start. */

type Stripe = typeof import('../rails/stripe/rail.ts')

let stripe: (() => Promise<Stripe>) | null = null

/** Called once, by the entry of a build that has it. */
export function includeStripe(load: () => Promise<Stripe>): void {
  stripe = load
}

/** How the rail is loaded; null in a build without it. */
export function stripeCode(): (() => Promise<Stripe>) | null {
  return stripe
}
