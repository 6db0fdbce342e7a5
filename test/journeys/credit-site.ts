/** A site that gives credit: the site, a local Stripe, the operator's webhook receiver, and crawlers that sign. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  decodePaymentRequiredHeader,
  decodePaymentResponseHeader,
  encodePaymentSignatureHeader,
} from '@x402/core/http'
import type { PaymentRequirements } from '@x402/core/types'
import type {
  AgentTerms as Enrolment,
  InvoiceView as Invoice,
  RunView as Run,
} from '../../src/cli/demo/clients.ts'
import { billingVars, freePort, STRIPE_KEYS } from '../../src/testing/stack/billing.ts'
import { startStripe } from '../../src/testing/stripe/server.ts'
import type { Bot, Signed } from './bots.ts'
import { AGENT, ended, runAt, settleAt, startSite } from './site.ts'
import { isAuthentic } from './verifier.ts'

export const DAY = 86_400_000

/** The price of a page below `/odd`, in micro-dollars. Few multiples of it are whole cents. */
export const ODD = 12_345n

/** The price of a page below `/dear`, in micro-dollars: enough for an invoice at Stripe. */
export const DEAR = 600_000n

const RULES = [
  { path: '/odd/*', action: 'charge', price: '0.012345' },
  { path: '/dear/*', action: 'charge', price: '0.60' },
]

export const WEBHOOK_SECRET = 'a-secret-that-signs-the-webhooks-of-the-operator'

export type CreditSite = Awaited<ReturnType<typeof startCreditSite>>

/** `registry` binds the registry of sites, and each change of a site takes effect at once. `more` are further vars. */
export async function startCreditSite(registry = false, more: Record<string, string> = {}) {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const stripe = await startStripe({ webhook: `${url}/_tab402/stripe`, ...STRIPE_KEYS })
  const mailbox = await openMailbox()
  const operatorKey = await newOperatorKey()
  const vars = {
    ...billingVars({ publicUrl: url, operatorKey, stripeUrl: stripe.url }),
    RULES: JSON.stringify(RULES),
    WEBHOOK_URL: mailbox.url,
    WEBHOOK_SECRET,
    ...(registry && { SITES_AHEAD_SECONDS: '0' }),
    ...more,
  }
  const site = await startSite(vars, port, registry)
  // The end of today, so the first nightly run is past it even if the day changes during a test.
  let midnight = (Math.floor(Date.now() / DAY) + 1) * DAY
  return {
    ...site,
    stripe,
    mailbox,
    operatorKey,
    /** Moves on by some days and fires once at the last midnight; returns its billing run. */
    async passNights(nights = 1): Promise<Run> {
      midnight += nights * DAY
      const settled = await settleAt(site, midnight)
      const billed = await ended(site, runAt(midnight, 'bill'))
      return settled.status === 'settled' ? billed : settled
    },
    async stop() {
      await site.stop()
      await stripe.stop()
      await mailbox.stop()
    },
  }
}

async function newOperatorKey(): Promise<string> {
  const pair = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair
  const { kty, crv, x, d } = (await crypto.subtle.exportKey('jwk', pair.privateKey)) as JsonWebKey
  return JSON.stringify({ kty, crv, x, d })
}

/** A webhook that the operator received, and whether its signature is valid. `open` is in micro-dollars. */
export type Notice = { id: string; type: string; agent: string; invoice: string; open: string; good: boolean }

/** Receives webhooks in order; refuses the next `refuse` of them. */
async function openMailbox() {
  const mailbox = { url: '', received: [] as Notice[], refuse: 0 }
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const part of request) body += part
    const good = isAuthentic(body, String(request.headers['tab402-signature']), WEBHOOK_SECRET)
    mailbox.received.push({ ...JSON.parse(body), good })
    response.writeHead(mailbox.refuse-- > 0 ? 500 : 204).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  mailbox.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return Object.assign(mailbox, { stop })
}

/** A response to a crawler. `charged` is in micro-dollars; `offers` lists scheme and network. */
export type Answer = {
  status: number
  error: string
  message: string
  charged: bigint
  commitment: string
  offers: string[]
}

type Terms = Partial<Pick<Enrolment, 'creditLimit' | 'rail'>> & {
  probation?: string
  buyer?: Enrolment['buyer']
}

export type InvoiceView = Invoice & {
  charged: string
  carriedIn: string
  paid: string
  history: { kind: string }[]
}

export type CreditCustomer = Awaited<ReturnType<typeof enrol>>

/** Registers a crawler for credit by the operator's API. By default, the whole limit is available at once. */
export async function enrol(site: Pick<CreditSite, 'facts'>, id: string, bot: Bot, terms: Terms = {}) {
  const { creditLimit = '5000000', probation = creditLimit, rail = 'transfer' } = terms
  const { buyer = { name: `${id} Inc.`, country: 'US' } } = terms
  const keys = { keys: [bot.publicKey] }
  const form = { id, name: id, url: bot.url, keys, creditLimit, probation, period: 'daily', rail, buyer }
  const made = await operate(site, '/agents', form)
  if (made.status !== 201) throw new Error(`${id} got no credit: ${made.status} ${JSON.stringify(made.body)}`)
  const { url } = site.facts
  const offers = new Map<string, Promise<PaymentRequirements>>()

  /** The credit offer for pages of this kind, as the 402 states it. */
  function offerFor(path: string): Promise<PaymentRequirements> {
    const kind = path.split('/')[1] ?? ''
    const known = offers.get(kind) ?? askOffer(`${url}${path}`)
    offers.set(kind, known)
    known.catch(() => offers.delete(kind))
    return known
  }

  /** A signed request for a page with an IOU, not sent yet. */
  async function order(path: string): Promise<Signed> {
    const accepted = await offerFor(path)
    const { amount, asset } = accepted
    const payment = encodePaymentSignatureHeader({ x402Version: 2, accepted, payload: { amount, asset } })
    return bot.sign(`${url}${path}`, payment)
  }

  async function asksFor(path: string): Promise<Response> {
    const { url: target, headers } = await bot.sign(`${url}/_tab402/me${path}`)
    return fetch(target, { headers })
  }

  return {
    id,
    bot,
    order,
    read: async (path: string) => send(await order(path)),
    /** Reads its own account. Throws if it is refused. */
    async me<Body>(path = ''): Promise<Body> {
      const response = await asksFor(path)
      if (!response.ok) throw new Error(`/me${path}: ${response.status} ${await response.text()}`)
      return (await response.json()) as Body
    },
    page: async (path: string) => (await asksFor(path)).text(),
    /** Its invoices, the oldest first, as it reads them itself. */
    async invoices(): Promise<InvoiceView[]> {
      const { invoices } = await this.me<{ invoices: Invoice[] }>('/invoices')
      return Promise.all(invoices.reverse().map(({ id }) => this.me<InvoiceView>(`/invoices/${id}`)))
    },
    async newest(): Promise<InvoiceView> {
      const invoice = (await this.invoices()).at(-1)
      if (!invoice) throw new Error(`${id} must have an invoice`)
      return invoice
    },
    balance: async () =>
      (await operate<{ standing: Balance }>(site, `/accounts/${id}?limit=1`)).body.standing,
    /** Its whole journal; empty for a credit line that was never opened. */
    async journal(): Promise<Line[]> {
      const { status, body } = await operate<{ entries: Line[] }>(site, `/accounts/${id}?limit=500`)
      return status === 404 ? [] : body.entries
    },
    /** The number of its charges. */
    async charges(): Promise<number> {
      return (await this.journal()).filter(({ kind }) => kind === 'charge').length
    },
  }
}

export type Balance = Record<'status' | 'limit' | 'charged' | 'redeemed' | 'owed' | 'available', string>
export type Line = { seq: number; kind: string; amount: string }

/** Calls the operator's API: a POST if `form` is given. */
export async function operate<Body = Record<string, unknown>>(
  site: Pick<CreditSite, 'facts'>,
  path: string,
  form?: object,
  method = 'POST',
) {
  const { url, token } = site.facts.operator
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const sent = form && { method, body: JSON.stringify(form) }
  const response = await fetch(`${url}${path}`, { headers, ...sent })
  return { status: response.status, body: (await response.json()) as Body }
}

/** Sends a signed request unchanged, to its own page or to another. */
export async function send({ url, headers }: Signed, elsewhere = url): Promise<Answer> {
  const response = await fetch(elsewhere, { headers })
  const text = await response.text()
  const required = response.headers.get('payment-required')
  const receipt = response.headers.get('payment-response')
  const { error = '', accepts = [] } = required ? decodePaymentRequiredHeader(required) : {}
  const { amount = '0', extra = {} } = receipt ? decodePaymentResponseHeader(receipt) : {}
  return {
    status: response.status,
    error,
    message: required ? String((JSON.parse(text) as { message?: string }).message) : '',
    charged: BigInt(amount),
    commitment: String(extra.commitmentId ?? ''),
    offers: accepts.map(({ scheme, network }) => `${scheme} ${network}`),
  }
}

async function askOffer(page: string): Promise<PaymentRequirements> {
  const response = await fetch(page, { headers: { 'user-agent': AGENT } })
  const { accepts } = decodePaymentRequiredHeader(response.headers.get('payment-required') ?? '')
  const offer = accepts.find(({ network }) => network.endsWith(':402'))
  if (!offer) throw new Error(`${page} is not sold on credit`)
  return offer
}
