/** The counter over HTTP: invoices read and paid at once, and the webhooks of a rail. */
import { env } from 'cloudflare:test'
import { describe, expect, inject, it } from 'vitest'
import { type Bindings, billingOf } from '../../src/app/site.ts'
import { readBalance } from '../../src/chain/token.ts'
import { type CounterSettings, counter } from '../../src/portal/invoices.ts'
import { stripeRail } from '../../src/rails/stripe/rail.ts'
import { localStripe } from '../../src/testing/stripe/stripe.ts'
import { DAY, MIDNIGHT, newCustomer, runBilling } from '../billing/harness.ts'
import { chainAt } from '../chain/harness.ts'
import { newPayer } from '../chain/payer.ts'
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
  PUBLIC_URL: 'https://till.test',
}

/** Gets in the way of calls to bindings: what it throws, the Worker sees. */
type Meddle = (name: string, call: () => Promise<unknown>) => Promise<unknown>

/** A counter over the real bindings, each call of which `does` may meddle with. */
async function openTill(more: (settings: CounterSettings) => Partial<CounterSettings> = () => ({})) {
  await env.BOOK.prepare('DELETE FROM line').run()
  const till = { does: ((_, call) => call()) as Meddle, heard: [] as Headers[] }
  const meddled = (name: 'LINES' | 'RELAYER' | 'AUTHORIZATIONS') => ({
    getByName: (id: string) =>
      new Proxy(env[name].getByName(id), {
        get: (stub, method) =>
          typeof method === 'symbol'
            ? Reflect.get(stub, method)
            : (...rest: unknown[]) =>
                till.does(`${name}.${method}`, async () => (stub as unknown as Called)[method]?.(...rest)),
      }),
  })
  const bound = {
    LINES: meddled('LINES'),
    RELAYER: meddled('RELAYER'),
    AUTHORIZATIONS: meddled('AUTHORIZATIONS'),
  }
  const open = billingOf({ ...env, ...bound, ...VARS } as unknown as Bindings)
  if (!open) throw new Error('nobody is named who sends invoices')
  const billing = await open()
  const settings = { ...billing, ...more(billing) }
  const app = counter(settings)
  const ask = async (input: RequestInfo | URL, init?: RequestInit) => {
    const request = new Request(input, init)
    till.heard.push(new Headers(request.headers))
    return app.fetch(request)
  }
  return Object.assign(till, { settings, ask, clock: { at: MIDNIGHT } })
}

type Called = Record<string, (...rest: unknown[]) => Promise<unknown>>
type Till = Awaited<ReturnType<typeof openTill>>

/** A line with an invoice over {@link OWED}, to be paid at once. */
async function invoiced(till: Till, prices = [OWED]) {
  const customer = await newCustomer(prices, { rail: 'stablecoin' })
  await bill(till)
  const url = (await customer.only()).presented?.url
  if (!url) throw new Error('the invoice has no address')
  return { customer, url }
}

async function bill({ settings, clock }: Till, time = clock.at) {
  return runBilling({ settings: settings.bill, clock }, time)
}

/** The unmodified client of a payer with some USDC, and what is left of it. */
async function newWallet(till: Till) {
  const { key, address } = await newPayer(1_000_000n)
  const { rpcUrl } = inject('chain')
  return {
    pay: exactFetch(till.ask as typeof fetch, { privateKey: key }, rpcUrl),
    spent: async () => 1_000_000n - (await readBalance(chainAt(rpcUrl), address)),
  }
}

describe('an invoice at the counter', () => {
  it('is paid by an unmodified x402 client, to the micro-dollar, once', async () => {
    const till = await openTill()
    const { customer, url } = await invoiced(till)
    const { pay, spent } = await newWallet(till)
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

  it('is offered for what is still owed on it, for exact alone', async () => {
    const till = await openTill()
    const { customer, url } = await invoiced(till)
    const { id } = await customer.only()
    const part = { id: 'x', invoice: id, amount: 1n, rail: 'transfer', reference: 'x', at: 0 } as const
    await customer.line().paid(part)
    const asked = await till.ask(url)
    expect(asked.status).toBe(402)
    const { accepts, resource } = JSON.parse(atob(asked.headers.get('payment-required') ?? ''))
    expect(accepts).toMatchObject([
      { scheme: 'exact', amount: `${OWED - 1n}`, payTo: env.RECEIVER.toLowerCase() },
    ])
    expect(resource).toMatchObject({ url, description: `Invoice ${id}` })
  })

  it('is paid by one of many who pay at the same time', async () => {
    const till = await openTill()
    const { customer, url } = await invoiced(till)
    const wallets = await Promise.all(Array.from({ length: 4 }, () => newWallet(till)))
    const statuses = await Promise.all(wallets.map(async ({ pay }) => (await pay(url)).status))
    expect(statuses.toSorted()).toEqual([200, 503, 503, 503])
    const spent = await Promise.all(wallets.map((wallet) => wallet.spent()))
    expect(spent.reduce((sum, one) => sum + one, 0n)).toBe(OWED)
    expect(await customer.only()).toMatchObject({ paid: OWED })
    const again = await Promise.all(wallets.map(async ({ pay }) => (await pay(url)).status))
    expect(again).toEqual([200, 200, 200, 200])
  })

  it('whose payment moved and could not be noted is noted when the payer asks again [E3]', async () => {
    const till = await openTill()
    const { customer, url } = await invoiced(till)
    const { pay, spent } = await newWallet(till)
    const headers = await lostOnTheWay(till, () => pay(url))
    expect(await customer.only()).toMatchObject({ paid: 0n })
    expect((await till.ask(url, { headers })).status).toBe(200)
    expect(await customer.only()).toMatchObject({ paid: OWED })
    expect(await spent()).toBe(OWED)
  })

  it('whose payment moved and could not be noted is noted by the next night, or by the next payer [E3]', async () => {
    for (const finish of ['night', 'payer']) {
      const till = await openTill()
      const { customer, url } = await invoiced(till)
      const { pay, spent } = await newWallet(till)
      await lostOnTheWay(till, () => pay(url))
      const other = await newWallet(till)
      if (finish === 'night') await bill(till, MIDNIGHT + DAY)
      else expect((await other.pay(url)).status).toBe(503)
      expect(await customer.only()).toMatchObject({ paid: OWED, stage: 'settled' })
      expect((await other.pay(url)).status).toBe(200)
      expect([await spent(), await other.spent()]).toEqual([OWED, 0n])
    }
  })

  it('is free to be paid again when a payment has failed for good', async () => {
    const till = await openTill()
    const { customer, url } = await invoiced(till)
    const poor = await newWallet(till)
    const { key } = await newPayer(1n)
    const broke = exactFetch(till.ask as typeof fetch, { privateKey: key }, inject('chain').rpcUrl)
    expect((await broke(url)).status).toBe(402)
    expect(await customer.line().attempts()).toEqual([])
    expect((await poor.pay(url)).status).toBe(200)
  })

  it('opens for its own key only, and nobody’s line is asked for another', async () => {
    const till = await openTill()
    const [mine, other] = [await invoiced(till), await invoiced(till)]
    const asked: string[] = []
    till.does = (name, call) => {
      asked.push(name)
      return call()
    }
    const { pathname, searchParams } = new URL(mine.url)
    const stolen = new URL(other.url).searchParams.get('key') ?? ''
    for (const key of [stolen, '', 'x', `${searchParams.get('key')}x`]) {
      for (const path of [pathname, pathname.replace(/\/pay$/, '')]) {
        expect((await till.ask(`https://till.test${path}?key=${key}`)).status).toBe(404)
      }
    }
    expect(asked).toEqual([])
  })

  it('is to be asked for again when its line does not answer, and says nothing of why [G4]', async () => {
    const till = await openTill()
    const { url } = await invoiced(till)
    till.does = () => Promise.reject(new Error('canary'))
    for (const path of [url, url.replace('/pay', '')]) {
      const answer = await till.ask(path)
      const said = ['retry-after', 'cache-control'].map((name) => answer.headers.get(name))
      expect([answer.status, ...said]).toEqual([503, '5', 'no-store'])
      expect(await answer.json()).toEqual({ error: 'unavailable' })
    }
  })

  it('is a page for a person, which nobody else keeps', async () => {
    const till = await openTill()
    const { customer, url } = await invoiced(till)
    const page = await till.ask(url.replace('/pay', ''), { headers: { accept: 'text/html' } })
    expect(page.headers.get('content-type')).toContain('text/html')
    expect(page.headers.get('cache-control')).toBe('private, no-store')
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(await page.text()).toContain((await customer.only()).id)
  })

  it('publishes the operator’s key, and not the secret half of it', async () => {
    const till = await openTill()
    const { keys } = (await (await till.ask('https://till.test/_tab402/keys')).json()) as { keys: object[] }
    const { kty, crv, x } = VARS.OPERATOR_KEY
    expect(keys).toEqual([{ kty, crv, x, kid: 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k' }])
  })
})

/** A payment after which the line cannot be told. Answers the headers that the payer sent, and may send again. */
async function lostOnTheWay(till: Till, pay: () => Promise<Response>): Promise<Headers> {
  till.does = async (name, call) => {
    if (name === 'LINES.paid') throw new Error('the line cannot be reached')
    return call()
  }
  expect((await pay()).status).toBe(503)
  till.does = (_, call) => call()
  return till.heard.at(-1) ?? new Headers()
}

describe('a webhook of Stripe at the counter', () => {
  async function withStripe() {
    await env.BOOK.prepare('DELETE FROM webhook').run()
    const stripe = localStripe()
    const rail = stripeRail({
      secretKey: 'sk_test_local',
      webhookSecret: 'whsec_local',
      fetch: (input, init) => stripe.fetch(new Request(input, init)),
      now: Date.now,
    })
    const till = await openTill(({ bill }) => ({
      stripe: rail,
      bill: { ...bill, rails: { ...bill.rails, stripe: rail } },
    }))
    const customer = await newCustomer([BIG], { rail: 'stripe' })
    await bill(till)
    const reference = (await customer.only()).presented?.reference ?? ''
    const send = async (type: string, alter = (body: string) => body) => {
      const event = stripe.books.events.findLast((one) => one.type === type)
      if (!event) throw new Error(`${type} has not happened`)
      const { body, signature } = await stripe.signed(event)
      const headers = { 'stripe-signature': signature }
      const request = { method: 'POST', body: alter(body), headers }
      return (await till.ask('https://till.test/_tab402/stripe', request)).status
    }
    return { till, stripe, customer, reference, send }
  }

  it('notes what Stripe itself says, once for a webhook that comes twice', async () => {
    const { stripe, customer, reference, send } = await withStripe()
    stripe.books.pay(reference)
    expect(await send('invoice.paid')).toBe(200)
    expect(await customer.only()).toMatchObject({ paid: BIG, stage: 'settled' })
    const entries = (await customer.entries()).length
    stripe.asked.length = 0
    expect(await send('invoice.paid')).toBe(200)
    // Whose it is, and no more.
    expect(stripe.asked).toEqual([`GET /v1/invoices/${reference}`])
    expect(await send('invoice_payment.paid')).toBe(200)
    expect((await customer.entries()).length).toBe(entries)
    expect(await customer.only()).toMatchObject({ paid: BIG })
  })

  it('that comes late or in disorder changes nothing of what is true by now [F20]', async () => {
    const { stripe, customer, reference, send } = await withStripe()
    stripe.books.pay(reference, 'pm_card_declined')
    stripe.books.pay(reference)
    expect(await send('invoice.paid')).toBe(200)
    expect(await send('invoice.payment_failed')).toBe(200)
    expect(await customer.only()).toMatchObject({ paid: BIG, stage: 'settled', failedAt: null })
  })

  it('tells of a dispute at once [C13]', async () => {
    const { stripe, customer, reference, send } = await withStripe()
    stripe.books.pay(reference)
    await send('invoice.paid')
    stripe.books.dispute(reference)
    expect(await send('charge.dispute.created')).toBe(200)
    expect(await customer.only()).toMatchObject({ stage: 'past_due', paid: 0n })
    expect(await customer.place(customer.order())).toMatchObject({ reason: 'credit_unpaid' })
  })

  it('is to be sent again when Stripe cannot be asked', async () => {
    const { stripe, customer, reference, send } = await withStripe()
    stripe.books.pay(reference)
    stripe.fail(/./, 'unreachable', 3)
    expect(await send('invoice.paid')).toBe(503)
    expect(await customer.only()).toMatchObject({ paid: 0n })
    expect(await send('invoice.paid')).toBe(200)
    expect(await customer.only()).toMatchObject({ paid: BIG })
  })

  it('is refused when Stripe did not sign it, or when it is too large', async () => {
    const { stripe, reference, send } = await withStripe()
    stripe.books.pay(reference)
    expect(await send('invoice.paid', (body) => `${body} `)).toBe(400)
    expect(await send('invoice.paid', () => 'x'.repeat(300_000))).toBe(413)
  })

  it('does not exist where Stripe is not configured', async () => {
    const till = await openTill()
    expect((await till.ask('https://till.test/_tab402/stripe', { method: 'POST' })).status).toBe(404)
  })
})
