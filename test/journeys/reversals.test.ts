/** Journeys of reversed payments: disputes, refunds and credit notes at Stripe, lost webhooks, write-offs, and a kill. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { operatorClient as operatorBook } from '../../src/cli/demo/clients.ts'
import { nextMidnight, runNightly as passNight } from '../../src/cli/demo/nightly.ts'
import { DAY_MS as DAY } from '../../src/platform/time.ts'
import { STRIPE_KEYS } from '../../src/testing/stack/billing.ts'
import { plainBot, webBot } from './bots.ts'
import { type CreditCustomer, type CreditSite, DEAR, enrol, operate, startCreditSite } from './credit-site.ts'
import { endAll, start } from './start.ts'

const TOTAL = DEAR.toString()

let site: CreditSite

beforeAll(async () => {
  site = await startCreditSite()
})
afterAll(() => site.stop())

/** A crawler on card payments, with one open invoice for one dear page. */
async function owing(id: string) {
  const reader = await enrol(site, id, await webBot(`${id}.example`), { rail: 'stripe' })
  expect((await reader.read('/dear/page')).charged).toBe(DEAR)
  await site.passNights()
  const { id: invoice } = await reader.newest()
  const reference = site.stripe.books.invoices.find(({ number }) => number === invoice)?.id ?? ''
  return { reader, invoice, reference }
}

/** The same, with the invoice paid. */
async function square(id: string) {
  const there = await owing(id)
  site.stripe.books.pay(there.reference)
  await site.stripe.deliver()
  expect(await there.reader.newest()).toMatchObject({ stage: 'settled', paid: TOTAL })
  return there
}

/** The journal's payments, reversals and credit notes, in order. */
async function moves(reader: CreditCustomer): Promise<string[]> {
  const entries = await reader.journal()
  return entries.map(({ kind }) => kind).filter((kind) => /payment|reversal|credit_note/.test(kind))
}

/** The dunning steps in webhooks for this agent. Expects all to be signed. */
function webhooksOf(agent: string): string[] {
  const webhooks = site.mailbox.received.filter((notice) => notice.agent === agent)
  expect(webhooks.every(({ good }) => good)).toBe(true)
  return webhooks.map(({ type, open }) => `${type.replace('invoice.', '')} ${open}`)
}

const mark = (invoice: string, reference: string) =>
  operate(site, `/invoices/${invoice}/payments`, { reference })

describe('lost dispute', { timeout: 60_000 }, () => {
  let reader: CreditCustomer
  let invoice = ''

  it('leaves the invoice open, and dunning goes on to the write-off [C13]', async () => {
    const there = await square('lost-bot')
    ;({ reader, invoice } = there)
    const { books } = site.stripe
    const dispute = books.dispute(there.reference)
    await site.stripe.deliver()
    books.close(dispute, 'lost')
    await site.stripe.deliver()
    expect(await reader.newest()).toMatchObject({ stage: 'past_due', paid: '0', owed: TOTAL })
    expect(await moves(reader)).toEqual(['payment', 'reversal'])
    expect(await reader.balance()).toMatchObject({ status: 'credit_unpaid', charged: TOTAL, redeemed: '0' })
    await site.passNights(24)
    expect(await reader.newest()).toMatchObject({ stage: 'suspended', owed: TOTAL })
    await site.passNights(80)
    expect(await reader.newest()).toMatchObject({ stage: 'written_off', owed: TOTAL })
    const steps = [
      'settled 0',
      ...['open', 'due', 'past_due', 'suspended', 'written_off'].map((step) => `${step} ${TOTAL}`),
    ]
    expect(webhooksOf('lost-bot')).toEqual(steps)
    expect(await reader.read('/dear/gone')).toMatchObject({ status: 402, error: 'payment_failed' })
  })

  it('allows a payment by transfer, since Stripe no longer collects the invoice [C13]', async () => {
    expect(await mark(invoice, 'wire after the dispute')).toMatchObject({
      status: 200,
      body: { stage: 'settled' },
    })
    expect((await reader.read('/dear/back')).status).toBe(200)
    await site.passNights()
    expect(await reader.balance()).toMatchObject({ status: 'open', redeemed: TOTAL })
    expect(webhooksOf('lost-bot').at(-1)).toBe('settled 0')
    expect(await moves(reader)).toEqual(['payment', 'reversal', 'payment'])
  })

  it('rejects a payment by transfer while Stripe still collects', async () => {
    const { invoice: open } = await owing('twice-bot')
    expect(await mark(open, 'wire')).toMatchObject({ status: 409, body: { code: 'collected_by_stripe' } })
  })
})

describe('refund or credit note at Stripe', { timeout: 60_000 }, () => {
  const BACK = 200_000n
  const LEFT = `${DEAR - BACK}`

  it('makes a refunded amount owed again until the operator issues a credit note', async () => {
    const { reader, invoice, reference } = await square('refund-bot')
    site.stripe.books.refund(reference, 20)
    await site.stripe.deliver()
    expect(await reader.newest()).toMatchObject({ stage: 'past_due', paid: LEFT, owed: `${BACK}` })
    expect(await reader.balance()).toMatchObject({ charged: TOTAL, redeemed: LEFT, owed: `${BACK}` })
    const note = { amount: `${BACK}`, reason: 'pages that were empty', creditedNet: '0' }
    expect((await operate(site, `/invoices/${invoice}/credit-notes`, note)).status).toBe(201)
    expect(await reader.newest()).toMatchObject({ stage: 'settled', credited: `${BACK}`, owed: '0' })
    expect(await reader.balance()).toMatchObject({ status: 'open', charged: LEFT, redeemed: LEFT, owed: '0' })
    expect(await moves(reader)).toEqual(['payment', 'reversal', 'credit_note'])
    await site.passNights()
    expect(webhooksOf('refund-bot')).toEqual([
      'settled 0',
      `open ${BACK}`,
      `due ${BACK}`,
      `past_due ${BACK}`,
      'settled 0',
    ])
  })

  it('settles the invoice again when the refund bounces', async () => {
    const { reader, reference } = await square('bounce-bot')
    const refund = site.stripe.books.refund(reference, 20)
    await site.stripe.deliver()
    expect(await reader.newest()).toMatchObject({ stage: 'past_due', owed: `${BACK}` })
    site.stripe.books.bounce(refund)
    await site.stripe.deliver()
    await site.passNights()
    expect(await reader.newest()).toMatchObject({ stage: 'settled', paid: TOTAL, owed: '0' })
    expect(await moves(reader)).toEqual(['payment', 'reversal', 'payment'])
  })

  it('imports a credit note of Stripe, so that its refund leaves nothing owed', async () => {
    const { reader, reference } = await square('note-bot')
    const { books } = site.stripe
    books.credit(books.invoice(reference), { amount: 20, memo: 'goodwill', metadata: {} })
    books.refund(reference, 20)
    await site.stripe.deliver()
    await site.passNights()
    const invoice = await reader.newest()
    expect(invoice).toMatchObject({ stage: 'settled', paid: LEFT, credited: `${BACK}`, owed: '0' })
    expect(invoice.history).toContainEqual(
      expect.objectContaining({
        kind: 'credit_note',
        document: expect.objectContaining({
          id: expect.stringMatching(/^CN-\d{6}$/),
          reason: 'goodwill',
          total: `${BACK}`,
          reference: books.notes.at(-1)?.id,
        }),
      }),
    )
    expect(await reader.balance()).toMatchObject({ status: 'open', charged: LEFT, redeemed: LEFT })
    expect(await moves(reader)).toEqual(['payment', 'credit_note', 'reversal'])
    expect(webhooksOf('note-bot')).toEqual(['settled 0'])
    // Our import is not sent back to Stripe as a second note.
    expect(books.notes.filter((note) => note.invoice === reference)).toHaveLength(1)
  })

  it('lowers an unpaid invoice by a credit note of Stripe', async () => {
    const { reader, reference } = await owing('less-bot')
    const { books } = site.stripe
    books.credit(books.invoice(reference), { amount: 20, memo: null, metadata: {} })
    await site.stripe.deliver()
    expect(await reader.newest()).toMatchObject({ stage: 'open', credited: `${BACK}`, owed: LEFT })
    books.pay(reference)
    await site.stripe.deliver()
    expect(await reader.newest()).toMatchObject({ stage: 'settled', paid: LEFT, owed: '0' })
    expect(await reader.balance()).toMatchObject({ charged: LEFT, redeemed: LEFT })
  })
})

describe('invoice voided at Stripe', { timeout: 60_000 }, () => {
  it('stays owed until the operator issues a credit note', async () => {
    const { reader, invoice, reference } = await owing('void-bot')
    site.stripe.books.cancel(reference)
    await site.stripe.deliver()
    expect(await reader.newest()).toMatchObject({ stage: 'past_due', owed: TOTAL })
    const note = { amount: TOTAL, reason: 'billed to the wrong crawler', creditedNet: '0' }
    expect((await operate(site, `/invoices/${invoice}/credit-notes`, note)).status).toBe(201)
    expect(await site.passNights()).toMatchObject({ status: 'settled', record: { findings: { count: 0 } } })
    expect(await reader.newest()).toMatchObject({ stage: 'settled', paid: '0', owed: '0' })
    expect(webhooksOf('void-bot').at(-1)).toBe('settled 0')
  })
})

describe('unpaid invoice', { timeout: 60_000 }, () => {
  it('goes from open to written off with a webhook for each step, and restores credit if paid later', async () => {
    const reader = await enrol(site, 'silent-bot', await plainBot('silent.example'))
    await reader.read('/dear/page')
    await site.passNights()
    const { id } = await reader.newest()
    const stages: string[] = []
    for (const nights of [0, 13, 1, 3, 7, 79, 1, 30]) {
      if (nights > 0) await site.passNights(nights)
      stages.push((await reader.newest()).stage)
    }
    const walk = ['open', 'open', 'due', 'past_due', 'suspended', 'suspended', 'written_off', 'written_off']
    expect(stages).toEqual(walk)
    const steps = ['due', 'past_due', 'suspended', 'written_off'].map((step) => `${step} ${TOTAL}`)
    expect(webhooksOf('silent-bot')).toEqual(steps)
    expect(await reader.balance()).toMatchObject({ status: 'credit_suspended', owed: TOTAL, redeemed: '0' })
    expect((await reader.read('/dear/cut')).status).toBe(402)
    expect(await mark(id, 'wire at last')).toMatchObject({ status: 200, body: { stage: 'settled' } })
    expect((await reader.read('/dear/back')).status).toBe(200)
    expect(await reader.balance()).toMatchObject({ status: 'open', redeemed: TOTAL })
    await site.passNights()
    expect(webhooksOf('silent-bot')).toEqual([...steps, 'settled 0'])
  })
})

describe('nightly run', { timeout: 60_000 }, () => {
  it('finds a payment, a dispute and its end whose webhooks were lost [F20]', async () => {
    const { reader, reference } = await owing('deaf-bot')
    const { books } = site.stripe
    const nightWithoutWebhooks = async () => {
      site.stripe.lose()
      return site.passNights()
    }
    books.pay(reference)
    expect(await nightWithoutWebhooks()).toMatchObject({
      status: 'settled',
      record: { bill: { received: TOTAL } },
    })
    expect(await reader.newest()).toMatchObject({ stage: 'settled', paid: TOTAL })
    const dispute = books.dispute(reference)
    await nightWithoutWebhooks()
    expect(await reader.newest()).toMatchObject({ stage: 'past_due', owed: TOTAL })
    expect((await reader.read('/dear/cut')).status).toBe(402)
    books.close(dispute, 'won')
    await nightWithoutWebhooks()
    expect(await reader.newest()).toMatchObject({ stage: 'settled', owed: '0' })
    expect((await reader.read('/dear/cut')).status).toBe(200)
    expect(await moves(reader)).toEqual(['payment', 'reversal', 'payment'])
  })
})

describe('stack killed while billing', { timeout: 120_000 }, () => {
  const PAGES = 600
  const OWED = `${PAGES}000`
  let STATE_DIR = ''

  beforeAll(async () => {
    STATE_DIR = await mkdtemp(join(tmpdir(), 'tab402-test-'))
  })
  afterAll(async () => {
    await endAll()
    await rm(STATE_DIR, { recursive: true })
  })

  /** Stripe's invoices for the customer of the invoice at this URL. */
  async function atStripe(page: string) {
    const { origin, pathname } = new URL(page)
    const ask = async (path: string) => {
      const headers = { authorization: `Bearer ${STRIPE_KEYS.secretKey}` }
      return (await fetch(`${origin}/v1/invoices${path}`, { headers })).json()
    }
    const { customer } = (await ask(`/${pathname.split('/').at(-1)}`)) as { customer: string }
    const { data } = (await ask(`?customer=${customer}`)) as { data: { status: string; total: number }[] }
    return data.map(({ status, total }) => `${status} ${total}`)
  }

  it('makes one invoice, and still records its payment after a second kill [E2]', async () => {
    const midnight = nextMidnight(Date.now())
    let stack = await start({ STATE_DIR })
    const { port: PORT } = new URL(stack.facts.url)
    const again = async () => {
      await stack.end('SIGKILL')
      stack = await start({ STATE_DIR, PORT })
    }
    const reader = await enrol(stack, 'kept-bot', await webBot('kept.example'), { rail: 'stripe' })
    for (let page = 0; page < PAGES; page += 50) {
      const orders = Array.from({ length: 50 }, () => reader.read(stack.facts.paths.charged))
      expect((await Promise.all(orders)).every(({ status }) => status === 200)).toBe(true)
    }
    await fetch(`${stack.facts.scheduled}&time=${midnight}`)
    await again()
    await passNight(stack.facts, operatorBook(stack.facts), midnight + DAY)
    const invoice = await reader.newest()
    const page = invoice.presented?.url ?? ''
    expect(invoice).toMatchObject({ stage: 'open', owed: OWED })
    expect(await atStripe(page)).toEqual(['open 60'])
    await again()
    await passNight(stack.facts, operatorBook(stack.facts), midnight + 2 * DAY)
    expect(await reader.invoices()).toEqual([invoice])
    expect(await atStripe(page)).toEqual(['open 60'])
    expect((await fetch(page, { method: 'POST' })).status).toBe(200)
    expect(await reader.invoices()).toMatchObject([{ id: invoice.id, stage: 'settled', paid: OWED }])
    expect(await reader.balance()).toMatchObject({ charged: OWED, redeemed: OWED, owed: '0' })
  })
})
