/** Billing by the config: rails, numbers and the operator's key, for the nightly run and the payer portal. */

import type { BillingContext } from '../billing/context.ts'
import { openSeal } from '../billing/operator-key.ts'
import type { BillConfig } from '../config/billing.ts'
import type { Config } from '../config/config.ts'
import { stripeCode } from '../config/stripe-plugin.ts'
import { invoiceKey, invoicePath } from '../portal/invoices.ts'
import type { Rails } from '../rails/rail.ts'
import { paying, stablecoinRail } from '../rails/stablecoin.ts'
import type { StripeRail } from '../rails/stripe/rail.ts'
import { transferRail } from '../rails/transfer.ts'
import type { ExactScheme } from '../schemes/exact/scheme.ts'
import type { Bindings } from './bindings.ts'

/** Opens billing for one request or one step. `exact`: how invoices are paid at once, on each network. */
export async function openBilling(
  env: Bindings,
  config: Config,
  exact: readonly ExactScheme[],
): Promise<BillingContext> {
  const { LINES: lines, NUMBERS: numbers, AGENTS: agents, BOOK: book } = env
  const { bill } = config
  const offered = exact.filter(({ network }) => config.policy.networks.some(({ id }) => id === network))
  if (!bill || !lines || !numbers)
    throw new Error('billing is not configured: set SELLER, OPERATOR_KEY and PUBLIC_URL')
  const tools = { now: () => Date.now(), newId: () => crypto.randomUUID() }
  const seal = await openSeal(bill.key)
  const atOnce = exact.length > 0 && {
    exact,
    lineOf: (agent: string) => lines.getByName(agent),
    urlOf: async ({ agent, id }: { agent: string; id: string }) => {
      const address = `${bill.publicUrl}${invoicePath(agent, id)}/pay`
      return `${address}?key=${await invoiceKey(seal, agent, id)}`
    },
    ...tools,
  }
  const stripe = await stripeOf(bill)
  const rails: Rails = {
    transfer: transferRail(bill.transferTo),
    ...(atOnce && { stablecoin: stablecoinRail(atOnce) }),
    ...(stripe && { stripe }),
  }
  const { seller, dunning } = bill
  const webhook = config.webhook ? { ...config.webhook, now: tools.now } : null
  return {
    bill: { book, lines, agents, numbers, rails, seller, dunning, webhook },
    seal,
    stripe,
    paying: atOnce && offered.length > 0 ? (invoice) => paying({ ...atOnce, exact: offered }, invoice) : null,
    site: config.policy,
    ...tools,
  }
}

const stripes = new WeakMap<BillConfig, StripeRail>()

/** The rail of a config. An isolate opens it once: Stripe's client is slow to make. */
async function stripeOf(bill: BillConfig): Promise<StripeRail | null> {
  const load = stripeCode()
  if (!bill.stripe || !load) return null
  const known = stripes.get(bill)
  if (known) return known
  const { stripeRail } = await load()
  const { api, ...keys } = bill.stripe
  const rail = stripeRail({ ...keys, ...(api !== undefined && { api: new URL(api) }), now: () => Date.now() })
  stripes.set(bill, rail)
  return rail
}
