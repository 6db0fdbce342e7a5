/** The payer portal over HTTP: reading and paying invoices, and the webhooks of a rail. */
import { env } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import type { Bindings } from '../../src/app/bindings.ts'
import { billingOf } from '../../src/app/work.ts'
import type { BillingContext } from '../../src/billing/context.ts'
import { readBalance } from '../../src/chain/token.ts'
import { payerPortal } from '../../src/portal/invoices.ts'
import { stripeRail } from '../../src/rails/stripe/rail.ts'
import { localStripe } from '../../src/testing/stripe/stripe.ts'
import { DAY, MIDNIGHT, newCustomer, runBilling } from '../billing/harness.ts'
import { chainAt } from '../chain/harness.ts'
import { chainHere } from '../chain/here.ts'
import { mint, newPayer, submitHeader } from '../chain/payer.ts'
import { exactFetch } from '../upstream.ts'

const OWED = 60_001n
const BIG = 600_000n

const VARS = {
  SELLER: { name: 'Tally GmbH', country: 'DE', taxId: 'DE123456789', vat: '19%' },
  OPERATOR_KEY: {
    kty: 'OKP',
    crv: 'Ed25519',
    d: 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A',
    x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
  },
  PUBLIC_URL: 'https://portal.test',
}

/** Makes a call to a binding or fails it. The Worker receives the error it throws. */
type Meddle = (name: string, call: () => Promise<unknown>) => Promise<unknown>

/** A payer portal over the real bindings. `does` may fail each call. */
async function openPortal(more: (settings: BillingContext) => Partial<BillingContext> = () => ({})) {
  await env.BOOK.prepare('DELETE FROM line').run()
  const portal = { does: ((_, call) => call()) as Meddle, requests: [] as Headers[] }
  const meddled = (name: 'LINES' | 'RELAYER' | 'AUTHORIZATIONS') => ({
    getByName: (id: string) =>
      new Proxy(env[name].getByName(id), {
        get: (stub, method) =>
          typeof method === 'symbol'
            ? Reflect.get(stub, method)
            : (...rest: unknown[]) =>
                portal.does(`${name}.${method}`, async () => (stub as unknown as Called)[method]?.(...rest)),
      }),
  })
  const bound = {
    LINES: meddled('LINES'),
    RELAYER: meddled('RELAYER'),
    AUTHORIZATIONS: meddled('AUTHORIZATIONS'),
  }
  const open = billingOf({ ...env, ...bound, ...VARS } as unknown as Bindings)
  if (!open) throw new Error('billing must be configured')
  const billing = await open()
  const settings = { ...billing, ...more(billing) }
  const app = payerPortal(settings)
  const ask = async (input: RequestInfo | URL, init?: RequestInit) => {
    const request = new Request(input, init)
    portal.requests.push(new Headers(request.headers))
    return app.fetch(request)
  }
  return Object.assign(portal, { settings, ask, clock: { at: MIDNIGHT } })
}

type Called = Record<string, (...rest: unknown[]) => Promise<unknown>>
type Portal = Awaited<ReturnType<typeof openPortal>>

/** A credit line with a stablecoin invoice over {@link OWED}. */
async function invoiced(portal: Portal, prices = [OWED]) {
  const customer = await newCustomer(prices, { rail: 'stablecoin' })
  await bill(portal)
  const url = (await customer.only()).presented?.url
  if (!url) throw new Error('the invoice must have a pay URL')
  return { customer, url }
}

async function bill({ settings, clock }: Portal, time = clock.at) {
  return runBilling({ settings: settings.bill, clock }, time)
}

/** An unmodified client with $1 of USDC, and the amount it has spent. */
async function newWallet(portal: Portal) {
  const { key, address } = await newPayer(1_000_000n)
  const { rpcUrl } = chainHere()
  return {
    pay: exactFetch(portal.ask as typeof fetch, { privateKey: key }, rpcUrl),
    spent: async () => 1_000_000n - (await readBalance(chainAt(rpcUrl), address)),
  }
}

describe('Invoice in the payer portal', () => {
  it('is paid by an unmodified x402 client, to the micro-dollar, once', async () => {
    const portal = await openPortal()
    const { customer, url } = await invoiced(portal)
    const { pay, spent } = await newWallet(portal)
    const paid = await pay(url)
    expect(paid.status).toBe(200)
    expect(await paid.json()).toMatchObject({ stage: 'settled', paid: `${OWED}` })
    const receipt = JSON.parse(atob(paid.headers.get('payment-response') ?? ''))
    expect(await customer.only()).toMatchObject({ stage: 'settled', paid: OWED })
    const [, payment] = await customer.line().history((await customer.only()).id)
    expect(payment).toMatchObject({ document: { rail: 'stablecoin', reference: receipt.transaction } })
    expect(await customer.standing()).toMatchObject({ redeemed: OWED })
    expect((await pay(url)).status).toBe(200)
    expect(await spent()).toBe(OWED)
  })

  it('offers the owed amount by exact only', async () => {
    const portal = await openPortal()
    const { customer, url } = await invoiced(portal)
    const { id } = await customer.only()
    const part = { id: 'x', invoice: id, amount: 1n, rail: 'transfer', reference: 'x', at: 0 } as const
    await customer.line().paid(part)
    const asked = await portal.ask(url)
    expect(asked.status).toBe(402)
    const { accepts, resource } = JSON.parse(atob(asked.headers.get('payment-required') ?? ''))
    expect(accepts).toMatchObject([
      { scheme: 'exact', amount: `${OWED - 1n}`, payTo: env.RECEIVER.toLowerCase() },
    ])
    expect(resource).toMatchObject({ url, description: `Invoice ${id}` })
  })

  it('is paid by one of four concurrent payers', async () => {
    const portal = await openPortal()
    const { customer, url } = await invoiced(portal)
    const wallets = await Promise.all(Array.from({ length: 4 }, () => newWallet(portal)))
    const statuses = await Promise.all(wallets.map(async ({ pay }) => (await pay(url)).status))
    expect(statuses.toSorted()).toEqual([200, 503, 503, 503])
    const spent = await Promise.all(wallets.map((wallet) => wallet.spent()))
    expect(spent.reduce((sum, one) => sum + one, 0n)).toBe(OWED)
    expect(await customer.only()).toMatchObject({ paid: OWED })
    const again = await Promise.all(wallets.map(async ({ pay }) => (await pay(url)).status))
    expect(again).toEqual([200, 200, 200, 200])
  })

  it('stores a mined payment when the payer repeats the request after a failed write [E3]', async () => {
    const portal = await openPortal()
    const { customer, url } = await invoiced(portal)
    const { pay, spent } = await newWallet(portal)
    const headers = await withLostPayment(portal, () => pay(url))
    expect(await customer.only()).toMatchObject({ paid: 0n })
    expect((await portal.ask(url, { headers })).status).toBe(200)
    expect(await customer.only()).toMatchObject({ paid: OWED })
    expect(await spent()).toBe(OWED)
  })

  it('stores a mined payment in the next run or at the next payer’s request after a failed write [E3]', async () => {
    for (const finish of ['run', 'payer']) {
      const portal = await openPortal()
      const { customer, url } = await invoiced(portal)
      const { pay, spent } = await newWallet(portal)
      await withLostPayment(portal, () => pay(url))
      const other = await newWallet(portal)
      if (finish === 'run') await bill(portal, MIDNIGHT + DAY)
      else expect((await other.pay(url)).status).toBe(503)
      expect(await customer.only()).toMatchObject({ paid: OWED, stage: 'settled' })
      expect((await other.pay(url)).status).toBe(200)
      expect([await spent(), await other.spent()]).toEqual([OWED, 0n])
    }
  })

  it('can be paid by another payer when a payment failed', async () => {
    const portal = await openPortal()
    const { customer, url } = await invoiced(portal)
    const poor = await newWallet(portal)
    const { key } = await newPayer(1n)
    const broke = exactFetch(portal.ask as typeof fetch, { privateKey: key }, chainHere().rpcUrl)
    expect((await broke(url)).status).toBe(402)
    expect(await customer.line().attempts()).toMatchObject([{ isRefused: true }])
    expect((await poor.pay(url)).status).toBe(200)
  })

  it('is paid in the next run when the money arrives after its payer was refused [A7, I9]', async () => {
    const portal = await openPortal()
    const { customer, url } = await invoiced(portal)
    const { key, address } = await newPayer(1n)
    const pay = exactFetch(portal.ask as typeof fetch, { privateKey: key }, chainHere().rpcUrl)
    expect((await pay(url)).status).toBe(402)
    const header = portal.requests.at(-1)?.get('payment-signature') ?? ''
    await mint(address, OWED)
    const transaction = await submitHeader(header)
    await bill(portal, MIDNIGHT + DAY)
    expect(await customer.only()).toMatchObject({ paid: OWED, stage: 'settled' })
    const [, payment] = await customer.line().history((await customer.only()).id)
    expect(payment).toMatchObject({ document: { rail: 'stablecoin', reference: transaction } })
    expect((await portal.ask(url, { headers: { 'payment-signature': header } })).status).toBe(200)
  })

  it('returns 404 for a wrong key without any call', async () => {
    const portal = await openPortal()
    const [mine, other] = [await invoiced(portal), await invoiced(portal)]
    const asked: string[] = []
    portal.does = (name, call) => {
      asked.push(name)
      return call()
    }
    const { pathname, searchParams } = new URL(mine.url)
    const stolen = new URL(other.url).searchParams.get('key') ?? ''
    for (const key of [stolen, '', 'x', `${searchParams.get('key')}x`]) {
      for (const path of [pathname, pathname.replace(/\/pay$/, '')]) {
        expect((await portal.ask(`https://portal.test${path}?key=${key}`)).status).toBe(404)
      }
    }
    expect(asked).toEqual([])
  })

  it('returns 503 without the error’s message when its line does not answer [G4]', async () => {
    const portal = await openPortal()
    const { url } = await invoiced(portal)
    portal.does = () => Promise.reject(new Error('canary'))
    for (const path of [url, url.replace('/pay', '')]) {
      const answer = await portal.ask(path)
      const said = ['retry-after', 'cache-control'].map((name) => answer.headers.get(name))
      expect([answer.status, ...said]).toEqual([503, '5', 'no-store'])
      expect(await answer.json()).toMatchObject({ code: 'unavailable' })
    }
  })

  it('returns an HTML page that must not be cached', async () => {
    const portal = await openPortal()
    const { customer, url } = await invoiced(portal)
    const page = await portal.ask(url.replace('/pay', ''), { headers: { accept: 'text/html' } })
    expect(page.headers.get('content-type')).toContain('text/html')
    expect(page.headers.get('cache-control')).toBe('private, no-store')
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(await page.text()).toContain((await customer.only()).id)
  })

  it('has a keys page with the operator’s public key only', async () => {
    const portal = await openPortal()
    const { keys } = (await (await portal.ask('https://portal.test/_tab402/keys')).json()) as {
      keys: object[]
    }
    const { kty, crv, x } = VARS.OPERATOR_KEY
    expect(keys).toEqual([{ kty, crv, x, kid: 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k' }])
  })
})

/** Makes a payment that the line cannot store. Returns the payer's headers, to send them again. */
async function withLostPayment(portal: Portal, pay: () => Promise<Response>): Promise<Headers> {
  portal.does = async (name, call) => {
    if (name === 'LINES.paid') throw new Error('the line cannot be reached')
    return call()
  }
  expect((await pay()).status).toBe(503)
  portal.does = (_, call) => call()
  return portal.requests.at(-1) ?? new Headers()
}

describe('Stripe webhook in the payer portal', () => {
  async function withStripe() {
    await env.BOOK.prepare('DELETE FROM webhook').run()
    const stripe = localStripe()
    const rail = stripeRail({
      secretKey: 'sk_test_local',
      webhookSecret: 'whsec_local',
      fetch: (input, init) => stripe.fetch(new Request(input, init)),
      now: Date.now,
    })
    const portal = await openPortal(({ bill }) => ({
      stripe: rail,
      bill: { ...bill, rails: { ...bill.rails, stripe: rail } },
    }))
    const customer = await newCustomer([BIG], { rail: 'stripe' })
    await bill(portal)
    const reference = (await customer.only()).presented?.reference ?? ''
    const send = async (type: string, alter = (body: string) => body) => {
      const event = stripe.books.events.findLast((one) => one.type === type)
      if (!event) throw new Error(`${type} must have happened`)
      const { body, signature } = await stripe.signed(event)
      const headers = { 'stripe-signature': signature }
      const request = { method: 'POST', body: alter(body), headers }
      return (await portal.ask('https://portal.test/_tab402/stripe', request)).status
    }
    return { portal, stripe, customer, reference, send }
  }

  it('stores the payment that Stripe reports, once for a repeated webhook', async () => {
    const { stripe, customer, reference, send } = await withStripe()
    stripe.books.pay(reference)
    expect(await send('invoice.paid')).toBe(200)
    expect(await customer.only()).toMatchObject({ paid: BIG, stage: 'settled' })
    const entries = (await customer.entries()).length
    stripe.asked.length = 0
    expect(await send('invoice.paid')).toBe(200)
    // Only the request that finds the invoice's owner.
    expect(stripe.asked).toEqual([`GET /v1/invoices/${reference}`])
    expect(await send('invoice_payment.paid')).toBe(200)
    expect((await customer.entries()).length).toBe(entries)
    expect(await customer.only()).toMatchObject({ paid: BIG })
  })

  it('changes nothing when it comes late or out of order [F20]', async () => {
    const { stripe, customer, reference, send } = await withStripe()
    stripe.books.pay(reference, 'pm_card_declined')
    stripe.books.pay(reference)
    expect(await send('invoice.paid')).toBe(200)
    expect(await send('invoice.payment_failed')).toBe(200)
    expect(await customer.only()).toMatchObject({ paid: BIG, stage: 'settled', failedAt: null })
  })

  it('marks a disputed invoice past due at once [C13]', async () => {
    const { stripe, customer, reference, send } = await withStripe()
    stripe.books.pay(reference)
    await send('invoice.paid')
    stripe.books.dispute(reference)
    expect(await send('charge.dispute.created')).toBe(200)
    expect(await customer.only()).toMatchObject({ stage: 'past_due', paid: 0n })
    expect(await customer.place(customer.order())).toMatchObject({ reason: 'credit_unpaid' })
  })

  it('returns 503 for a retry when Stripe cannot be reached', async () => {
    const { stripe, customer, reference, send } = await withStripe()
    stripe.books.pay(reference)
    stripe.fail(/./, 'unreachable', 3)
    expect(await send('invoice.paid')).toBe(503)
    expect(await customer.only()).toMatchObject({ paid: 0n })
    expect(await send('invoice.paid')).toBe(200)
    expect(await customer.only()).toMatchObject({ paid: BIG })
  })

  it('returns 400 for a wrong signature and 413 for a large body', async () => {
    const { stripe, reference, send } = await withStripe()
    stripe.books.pay(reference)
    expect(await send('invoice.paid', (body) => `${body} `)).toBe(400)
    expect(await send('invoice.paid', () => 'x'.repeat(300_000))).toBe(413)
  })

  it('returns 404 when Stripe is not configured', async () => {
    const portal = await openPortal()
    expect((await portal.ask('https://portal.test/_tab402/stripe', { method: 'POST' })).status).toBe(404)
  })
})
