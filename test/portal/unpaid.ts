/** An invoice by the config, and its pay address. */
import { env } from 'cloudflare:test'
import type { Bindings } from '../../src/app/bindings.ts'
import { billingOf } from '../../src/app/work.ts'
import type { BillingContext } from '../../src/billing/context.ts'
import type { RailName } from '../../src/ledger/billing/types.ts'
import { invoiceKey, invoicePath, payerPortal } from '../../src/portal/invoices.ts'
import { MIDNIGHT, newCustomer, runBilling } from '../billing/harness.ts'

const VARS = {
  SELLER: { name: 'Tally GmbH', country: 'DE', taxId: 'DE123456789' },
  OPERATOR_KEY: {
    kty: 'OKP',
    crv: 'Ed25519',
    d: 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A',
    x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
  },
  PUBLIC_URL: 'https://till.test',
  TRANSFER_TO: 'IBAN DE00 1234',
}

/** An invoice of $0.60 on a rail, and its pay address. */
export async function newInvoice(rail: RailName, more: Partial<BillingContext> = {}, vars: object = {}) {
  await env.BOOK.prepare('DELETE FROM line').run()
  const open = billingOf({ ...env, ...VARS, ...vars } as unknown as Bindings)
  if (!open) throw new Error('billing must be configured')
  const context = { ...(await open()), ...more }
  const tab = await newCustomer([300_000n, 300_000n], { rail })
  await runBilling({ settings: context.bill, clock: { at: MIDNIGHT } }, MIDNIGHT)
  const { agent, id } = await tab.only()
  const key = await invoiceKey(context.seal, agent, id)
  const url = `https://till.test${invoicePath(agent, id)}/pay?key=${key}`
  const portal = payerPortal(context)
  const ask = async (headers: Record<string, string>, method = 'GET') =>
    portal.fetch(new Request(url, { headers, method }))
  return { ask, id, tab, url, portal }
}
