/** The Worker with invoices through Stripe: `main = "src/worker-stripe.ts"`. Stripe's package adds about 37 kB to its 251 kB. */
import { includeStripe } from './config/stripe-plugin.ts'

export * from './worker.ts'
export { default } from './worker.ts'

includeStripe(() => import('./rails/stripe/rail.ts'))
