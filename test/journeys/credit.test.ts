/** Journeys on credit: crawlers read, sign, check their statements and pay invoices, within their limit. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { STRIPE_KEYS } from '../../src/testing/stack/billing.ts'
import { exactFetch } from '../upstream.ts'
import { plainBot, webBot } from './bots.ts'
import {
  type CreditCustomer,
  type CreditSite,
  enrol,
  ODD,
  operate,
  send,
  startCreditSite,
} from './credit-site.ts'
import { PRICE } from './site.ts'
import { exchange, head, statuses } from './socket.ts'
import { isSigned, isStated, type Proof, type Statement } from './verifier.ts'

let site: CreditSite

beforeAll(async () => {
  site = await startCreditSite()
  site.origin.answer = (asked, response) => {
    if (asked.url?.startsWith('/odd/broken')) response.writeHead(500).end('out of order')
    else site.origin.page(asked, response)
  }
})
afterAll(() => site.stop())

async function readMany(customer: CreditCustomer, path: string, count: number): Promise<bigint> {
  const answers = await Promise.all(
    Array.from({ length: count }, (_, page) => customer.read(`${path}/${page}`)),
  )
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
  return answers.reduce((sum, { charged }) => sum + charged, 0n)
}

const sumOf = (amounts: string[]) => amounts.reduce((sum, amount) => sum + BigInt(amount), 0n)

describe('crawler on credit that pays by transfer', { timeout: 60_000 }, () => {
  let reader: CreditCustomer
  let receipts = 0n
  let iou = ''

  it('sees the sum of its receipts in its own account', async () => {
    reader = await enrol(site, 'ledger-bot', await webBot('ledger.example'))
    receipts += await readMany(reader, '/odd', 6)
    const order = await reader.order('/odd/kept')
    const kept = await send(order)
    receipts += kept.charged
    // Its own signature identifies the receipt, and later a statement entry.
    expect(kept.commitment).toBe(order.iou)
    iou = order.iou
    expect((await reader.read('/odd/broken')).status).toBe(500)
    expect(receipts).toBe(7n * ODD)
    const books = await reader.me('')
    expect(books).toMatchObject({
      agent: { id: 'ledger-bot' },
      balance: { status: 'open', limit: '5000000', charged: `${receipts}`, owed: `${receipts}` },
      terms: { rail: 'transfer', period: 'daily' },
    })
    expect(books).toMatchObject({ balance: { available: `${5_000_000n - receipts}` } })
  })

  it('gets an invoice from the nightly run, which carries and shows fractions of a cent', async () => {
    expect(await site.passNights()).toMatchObject({ status: 'settled', record: { findings: { count: 0 } } })
    const invoice = await reader.newest()
    expect(invoice).toMatchObject({
      charged: '86415',
      carriedIn: '0',
      net: '80000',
      carriedOut: '6415',
      total: '80000',
      owed: '80000',
      stage: 'open',
    })
    const paper = await reader.page(`/invoices/${invoice.id}?format=html`)
    expect(paper).toContain('0.006415')
    expect(paper).toContain(invoice.id)
  })

  it('can prove every entry of its statement with published keys only', async () => {
    const keys = (await (await fetch(`${site.facts.url}/_tab402/keys`)).json()) as { keys: JsonWebKey[] }
    const { statements } = await reader.me<{ statements: { period: { id: string }; total: string }[] }>(
      '/statements',
    )
    expect(sumOf(statements.map(({ total }) => total))).toBe(receipts)
    let mine = 0n
    const named: (string | null)[] = []
    for (const { period } of statements) {
      const signed = await reader.me<Statement>(`/statements/${period.id}`)
      expect(await isSigned(signed, keys)).toBe(true)
      const { first, last } = signed.statement.entries
      for (let seq = first; seq <= last; seq++) {
        const proof = await reader.me<Proof>(`/statements/${period.id}/proofs/${seq}`)
        expect([seq, isStated(signed, proof)]).toEqual([seq, true])
        const { kind, amount } = proof.entry
        if (kind === 'charge') mine += BigInt(amount)
        if (kind === 'release') mine -= BigInt(amount)
        named.push(proof.entry.iou)
        const dearer = { ...proof, entry: { ...proof.entry, amount: `${BigInt(amount) + 1n}` } }
        expect(isStated(signed, dearer)).toBe(false)
      }
      const inflated = { ...signed, statement: { ...signed.statement, total: `${signed.statement.total}0` } }
      expect(await isSigned(inflated, keys)).toBe(false)
    }
    expect(mine).toBe(receipts)
    expect(named).toContain(iou)
  })

  it('is invoiced for the sum of its charges, to the micro-dollar [F20]', async () => {
    receipts += await readMany(reader, '/odd/again', 3)
    await site.passNights()
    receipts += await readMany(reader, '/odd/more', 2)
    await site.passNights()
    const invoices = await reader.invoices()
    expect(
      invoices.map(({ carriedIn, charged, net, carriedOut }) => [carriedIn, charged, net, carriedOut]),
    ).toEqual([
      ['0', '86415', '80000', '6415'],
      ['6415', '37035', '40000', '3450'],
      ['3450', '24690', '20000', '8140'],
    ])
    expect(invoices.map(({ id }) => id)).toEqual([...new Set(invoices.map(({ id }) => id))].sort())
    const { charged, redeemed } = await reader.balance()
    expect(BigInt(charged)).toBe(receipts)
    expect(sumOf(invoices.map(({ net }) => net)) + 8140n).toBe(receipts)
    for (const { id } of invoices) {
      expect(await operate(site, `/invoices/${id}/payments`, { reference: `wire ${id}` })).toMatchObject({
        status: 200,
        body: { stage: 'settled' },
      })
    }
    expect([redeemed, (await reader.balance()).redeemed]).toEqual(['0', '140000'])
  })
})

describe('crawler on credit that pays invoices with a wallet', { timeout: 60_000 }, () => {
  let reader: CreditCustomer
  let url = ''
  let total = 0n

  const received = () => site.coins.holds(site.facts.receiver)
  const wallet = () => exactFetch(fetch, site.payer(), site.facts.rpc)

  it('pays its invoice including VAT with @x402/fetch, once for two attempts at once', async () => {
    const buyer = { name: 'Kerbholz Archiv', country: 'DE' }
    reader = await enrol(site, 'archive-bot', await plainBot('archive.example'), {
      rail: 'stablecoin',
      buyer,
    })
    expect(await readMany(reader, '/odd', 20)).toBe(20n * ODD)
    await site.passNights()
    const invoice = await reader.newest()
    expect(invoice).toMatchObject({ net: '246900', carriedOut: '0', stage: 'open' })
    total = BigInt(invoice.total)
    expect(total).toBe(246_900n + 46_911n)
    url = invoice.presented?.url ?? ''
    const before = await received()
    const answers = await Promise.all([wallet()(url), wallet()(url)])
    const paid = answers.filter((answer) => answer.headers.has('payment-response'))
    expect(paid.map(({ status }) => status)).toEqual([200])
    expect(await paid[0]?.json()).toMatchObject({ id: invoice.id, stage: 'settled', paid: `${total}` })
    expect((await received()) - before).toBe(total)
    expect(await reader.newest()).toMatchObject({ stage: 'settled', owed: '0', paid: `${total}` })
    expect(await reader.balance()).toMatchObject({ charged: '246900', redeemed: '246900', owed: '0' })
  })

  it('is shown a paid invoice and charged nothing on a second attempt', async () => {
    const [before, journal] = [await received(), await reader.journal()]
    const again = await wallet()(url)
    expect([again.status, again.headers.get('payment-response')]).toEqual([200, null])
    expect(await again.json()).toMatchObject({ stage: 'settled', paid: `${total}` })
    await site.passNights()
    expect(await received()).toBe(before)
    const since = (await reader.journal()).slice(journal.length)
    expect(since.map(({ kind }) => kind).filter((kind) => kind !== 'told')).toEqual([])
  })

  it('can open only its own invoice with its URL', async () => {
    const other = url.replace('archive-bot', 'ledger-bot')
    expect((await fetch(other)).status).toBe(404)
    expect((await fetch(url.replace(/key=.*/, 'key=guessed'))).status).toBe(404)
  })
})

describe('credit limit', { timeout: 60_000 }, () => {
  it('allows one of 200 concurrent requests when one more charge fits [C9]', async () => {
    const reader = await enrol(site, 'crowd-bot', await webBot('crowd.example'), {
      creditLimit: `${2n * PRICE}`,
    })
    expect((await reader.read('/first')).status).toBe(200)
    const orders = await Promise.all(Array.from({ length: 200 }, (_, page) => reader.order(`/${page}`)))
    const answers = await Promise.all(orders.map((order) => send(order)))
    const served = answers.filter(({ status }) => status === 200)
    expect(served.map(({ charged }) => charged)).toEqual([PRICE])
    for (const { status, error, offers } of answers.filter((answer) => answer.status !== 200)) {
      expect([status, error]).toEqual([402, 'payment_failed'])
      expect(offers.some((offer) => offer.endsWith(':402'))).toBe(false)
      expect(offers.length).toBeGreaterThan(0)
    }
    expect(await reader.balance()).toMatchObject({ charged: `${2n * PRICE}`, available: '0' })
    expect(await reader.charges()).toBe(2)
  })

  it('starts at the initial limit and grows with paid invoices [C10]', async () => {
    const reader = await enrol(site, 'young-bot', await webBot('young.example'), {
      probation: `${10n * ODD}`,
    })
    await readMany(reader, '/odd', 10)
    expect(await reader.read('/odd/11')).toMatchObject({ status: 402, error: 'payment_failed' })
    await site.passNights()
    const { id, owed } = await reader.newest()
    await operate(site, `/invoices/${id}/payments`, { reference: 'wire 10' })
    expect(await reader.balance()).toMatchObject({ status: 'open', limit: `${10n * ODD + BigInt(owed)}` })
    expect((await reader.read('/odd/11')).status).toBe(200)
  })
})

describe('signed credit request', { timeout: 60_000 }, () => {
  it('is charged once for many replays of its page, and rejected for any other page [C3]', async () => {
    const reader = await enrol(site, 'echo-bot', await webBot('echo.example'))
    const order = await reader.order('/echo')
    const answers = await Promise.all(Array.from({ length: 20 }, () => send(order)))
    answers.push(await send(order))
    const results = answers.map(({ status, charged, commitment }) => [status, charged, commitment])
    expect(new Set(results.map(String))).toEqual(new Set([`200,${PRICE},${order.iou}`]))
    expect(await reader.charges()).toBe(1)
    expect(await send(order, `${site.facts.url}/other`)).toMatchObject({
      status: 402,
      error: 'invalid_signature',
    })
    expect(await reader.balance()).toMatchObject({ charged: `${PRICE}` })
  })

  it('without a covered page is valid only for the first page that it requests [C3]', async () => {
    const reader = await enrol(site, 'loose-bot', await plainBot('loose.example'))
    const order = await reader.order('/here')
    expect((await send(order)).status).toBe(200)
    expect((await send(order)).status).toBe(200)
    expect(await send(order, `${site.facts.url}/there`)).toMatchObject({ status: 402, error: 'tab_replayed' })
    expect(await reader.charges()).toBe(1)
  })

  it('under another agent’s name is rejected and billed to neither [C4]', async () => {
    const victim = await enrol(site, 'victim-bot', await webBot('victim.example'))
    const thief = await webBot('victim.example')
    const known = await enrol(site, 'thief-bot', { ...thief, url: 'https://thief.example' })
    const { headers } = await victim.order('/stolen')
    const forged = await thief.sign(`${site.facts.url}/stolen`, headers['payment-signature'])
    expect(await send(forged)).toMatchObject({ status: 402, error: 'invalid_signature' })
    expect([await victim.charges(), await known.charges()]).toEqual([0, 0])
  })

  it('is valid for its host only, whatever forwarding headers name [C11]', async () => {
    const reader = await enrol(site, 'host-bot', await webBot('host.example'))
    const { headers } = await reader.order('/host')
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
    const { host } = new URL(site.facts.url)
    const ask = async (target: string, ...named: string[]) =>
      statuses(
        await exchange(site.direct, head(`GET ${target} HTTP/1.1`, ...named, ...lines, 'connection: close')),
      )
    expect(await ask('/host', 'host: other.example', `x-forwarded-host: ${host}`)).toEqual([402])
    expect(await ask('/host', `host: ${host}.`)).not.toContain(200)
    expect(await reader.charges()).toBe(0)
    expect(await ask('/host', `host: ${host}`, 'x-forwarded-host: other.example')).toEqual([200])
  })

  it('is rejected with a body that it does not cover [C12]', async () => {
    const reader = await enrol(site, 'body-bot', await webBot('body.example'))
    const { url, headers } = await reader.order('/body')
    const response = await fetch(url, { method: 'POST', headers, body: 'swapped' })
    expect(response.status).toBe(402)
    expect(await reader.charges()).toBe(0)
  })
})

it('the Worker logs no secret and no signature [G4]', async () => {
  const reader = await enrol(site, 'quiet-bot', await webBot('quiet.example'))
  const order = await reader.order('/quiet')
  const known = site.logs.length
  await send(order)
  await send(order, `${site.facts.url}/loud`)
  await fetch(`${site.facts.url}/_tab402/stripe`, { method: 'POST', body: '{}' })
  expect(site.logs.slice(known).join()).toContain('commitment_signature')
  const { signature = '', 'payment-signature': payment = '' } = order.headers
  const { d = '' } = JSON.parse(site.operatorKey) as JsonWebKey
  const { secretKey, webhookSecret } = STRIPE_KEYS
  const kept = [signature.slice(5, -1), payment, d, site.facts.operator.token, secretKey, webhookSecret]
  expect(site.logs.filter((line) => kept.some((secret) => line.includes(secret)))).toEqual([])
})
