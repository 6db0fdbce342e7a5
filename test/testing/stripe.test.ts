import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { stripeRail } from '../../src/rails/stripe/rail.ts'
import { type StripeServer, startStripe } from '../../src/testing/stripe/server.ts'
import { invoiceOf, standingOf } from '../billing/bills.ts'

const stops: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

async function start(webhook?: string): Promise<StripeServer> {
  const server = await startStripe(webhook === undefined ? {} : { webhook })
  stops.push(server.stop)
  return server
}

function railTo({ url }: StripeServer) {
  const keys = { secretKey: 'sk_test_local', webhookSecret: 'whsec_local' }
  return stripeRail({ ...keys, api: new URL(url), now: Date.now })
}

/** Receives webhooks and answers each with `status`. */
async function listener(status: number) {
  const received: { body: string; signature: string }[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const part of request) body += part
    received.push({ body, signature: String(request.headers['stripe-signature']) })
    response.writeHead(status).end()
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  stops.push(() => new Promise((resolve) => server.close(() => resolve())))
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : 0
  return { url: `http://127.0.0.1:${port}/`, received }
}

describe('local Stripe server', () => {
  it('serves the official client over HTTP, and its page accepts a card', async () => {
    const server = await start()
    const rail = railTo(server)
    const presented = await rail.present(invoiceOf())
    expect(presented.url).toBe(`${server.url}/pay/${presented.reference}`)
    const declined = await fetch(`${presented.url}?card=pm_card_declined`, { method: 'POST' })
    expect(declined.status).toBe(200)
    const standing = standingOf(invoiceOf(), { presented })
    expect(await rail.check(standing)).toMatchObject([{ kind: 'failed' }])
    await fetch(`${presented.url}`, { method: 'POST' })
    expect(await rail.check(standing)).toMatchObject([{ kind: 'paid', payment: { amount: 1_460_000n } }])
    expect((await fetch(`${presented.url}`, { method: 'POST' })).status).toBe(400)
  })

  it('creates one invoice when the client retries after a lost response', async () => {
    const server = await start()
    server.fail(/^POST .v1.invoices$/, 'lost')
    await railTo(server).present(invoiceOf())
    expect(server.books.invoices).toHaveLength(1)
  })

  it('sends signed webhooks at most three times', async () => {
    const { url, received } = await listener(500)
    const server = await start(url)
    const rail = railTo(server)
    await rail.present(invoiceOf())
    expect(received).toHaveLength(3)
    const [first] = received
    expect(await rail.readWebhook(first?.body ?? '', first?.signature ?? '')).toMatchObject({
      outcome: 'affected',
    })
    expect(await server.deliver()).toEqual([])
  })

  it('keeps its invoices and pages over a restart, and sends the pending webhooks', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'tab402-test-'))
    stops.push(() => rm(directory, { recursive: true }))
    const statePath = join(directory, 'stripe.json')
    const first = await startStripe({ statePath })
    const presented = await railTo(first).present(invoiceOf())
    await first.stop()
    const { url, received } = await listener(200)
    const second = await startStripe({ statePath, webhook: url })
    stops.push(second.stop)
    const rail = railTo(second)
    expect(await rail.present(invoiceOf())).toEqual(presented)
    expect(second.books.invoices).toHaveLength(1)
    await fetch(`${presented.url}`, { method: 'POST' })
    expect(await rail.check(standingOf(invoiceOf(), { presented }))).toMatchObject([{ kind: 'paid' }])
    const types = received.map(({ body }) => (JSON.parse(body) as { type: string }).type)
    expect(types).toEqual(['invoice.finalized', 'invoice_payment.paid', 'invoice.paid'])
    expect(new Set(second.books.events.map(({ id }) => id)).size).toBe(3)
  })

  it('takes another port when its own is in use', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'tab402-test-'))
    stops.push(() => rm(directory, { recursive: true }))
    const statePath = join(directory, 'stripe.json')
    const first = await startStripe({ statePath })
    await first.stop()
    const other = createServer().listen(Number(new URL(first.url).port), '127.0.0.1')
    await once(other, 'listening')
    stops.push(() => new Promise((resolve) => other.close(() => resolve())))
    const second = await startStripe({ statePath })
    stops.push(second.stop)
    expect(second.url).not.toBe(first.url)
  })
})
