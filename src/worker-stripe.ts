/** The Worker with invoices through Stripe: `main = "src/worker-stripe.ts"`. The package adds some 37 kB to the 230 of the other. */
import { includeStripe } from './config/stripe-plugin.ts'

export * from './worker.ts'
export { default } from './worker.ts'

includeStripe(() => import('./rails/stripe/rail.ts'))
