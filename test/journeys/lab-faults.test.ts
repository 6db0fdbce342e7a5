/** The faults of a lab that stand in the way of money, one by one, and the audit after each. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Crawler, type Fail, type Lab, openLab } from '../../src/lab/index.ts'

/** Three pages are more than the least invoice by card. */
const PRICE = 170_000n
const TIMEOUT_MS = 120_000
const SETTLED = ['settled', 'settled']

let lab: Lab

beforeAll(async () => {
  lab = await openLab({
    start: '2027-03-01T12:00:00Z',
    facilitator: 'hosted',
    policy: { PRICE: '0.17', MAX_UNCLAIMED: '10' },
  })
}, TIMEOUT_MS)
afterAll(() => lab?.close())
afterEach(() => lab.fail.mend())

/** A crawler that owes three pages. */
async function owing(pays: 'channel' | 'credit' = 'channel', rail?: 'stripe'): Promise<Crawler> {
  const crawler = await lab.crawler({ pays, ...(rail && { rail }) })
  await crawler.read('/page', 3)
  return crawler
}

const night = async () => (await lab.night()).runs.map(({ status }) => status)

async function expectPaid(crawler: Crawler, pages = 3n): Promise<void> {
  const paid = pages * PRICE
  expect(await crawler.score()).toMatchObject({ charged: paid, paid, stolen: 0n, overpaid: 0n })
  await lab.audit()
}

describe('lab.fail.facilitator', { timeout: TIMEOUT_MS }, () => {
  it.each<[Parameters<Fail['facilitator']>[0], bigint]>([
    ['settles, then dies', PRICE],
    ['claims success', 0n],
    ['refuses', 0n],
    ['503', 0n],
  ])('answers a payment with 503 while its outcome is unknown: %s', async (fault, moved) => {
    const crawler = await lab.crawler({ pays: 'exact' })
    await lab.fail.facilitator(fault)
    expect(await crawler.read('/page')).toMatchObject({ status: 503 })
    await lab.fail.mend()
    expect(await crawler.read('/next')).toMatchObject({ status: 200 })
    expect(await crawler.score()).toMatchObject({ pages: 1, paid: moved + PRICE, stolen: 0n, overpaid: 0n })
    await lab.audit()
  })
})

describe('lab.fail.chain', { timeout: TIMEOUT_MS }, () => {
  it('undoes blocks, and what they held is sent again', async () => {
    const crawler = await owing()
    await night()
    await lab.fail.chain({ reorg: 2 })
    expect((await crawler.score()).paid).toBe(0n)
    await night()
    await expectPaid(crawler)
  })

  it('drops transactions that wait', async () => {
    await lab.fail.chain({ mining: 'stopped' })
    const [from, to] = [lab.relayer, lab.receiver]
    const count = () => lab.chain.rpc('eth_getTransactionCount', [from, 'latest'])
    const before = await count()
    await lab.chain.rpc('eth_sendTransaction', [{ from, to, value: '0x1' }])
    await lab.fail.chain({ drop: 'pending transactions' })
    await lab.fail.mend()
    expect(await count()).toBe(before)
    await lab.audit()
  })

  it.each<[string, Parameters<Fail['chain']>[0]]>([
    ['while gas costs too much', { baseFee: 10n ** 13n }],
    ['while the relayer is empty', { relayer: 'empty' }],
  ])('leaves what it owes for the next night, %s', async (_, fault) => {
    const crawler = await owing()
    await lab.fail.chain(fault)
    expect(await night()).not.toEqual(SETTLED)
    expect((await crawler.score()).paid).toBe(0n)
    await lab.fail.mend()
    expect(await night()).toEqual(SETTLED)
    await expectPaid(crawler)
  })

  it('takes a nonce of the relayer, and the claim takes the next one', async () => {
    const crawler = await owing()
    const count = async () => Number(await lab.chain.rpc('eth_getTransactionCount', [lab.relayer, 'pending']))
    const before = await count()
    await lab.fail.chain({ relayer: 'sends a transaction of its own' })
    expect(await count()).toBe(before + 1)
    await night()
    await expectPaid(crawler)
  })
})

describe('lab.fail.stripe', { timeout: TIMEOUT_MS }, () => {
  it.each(['lost', 'unreachable', 429] as const)('leaves one invoice, made once: %s', async (fault) => {
    const crawler = await owing('credit', 'stripe')
    const before = Object.keys((await lab.books()).stripe).length
    await lab.fail.stripe(fault, { of: /^POST/ })
    expect(await night()).not.toEqual(SETTLED)
    await lab.fail.mend()
    expect(await night()).toEqual(SETTLED)
    const { stripe, invoices } = await lab.books()
    const own = Object.values(invoices).filter(({ agent }) => agent === crawler.name)
    expect(own.map(({ total }) => total)).toEqual([3n * PRICE])
    expect(Object.keys(stripe).length - before).toBe(1)
    await lab.audit()
  })
})

describe('lab.fail.webhooks', { timeout: TIMEOUT_MS }, () => {
  it.each(['lost', 'twice', 'unordered', 'late'] as const)('notes a payment once: %s', async (fault) => {
    const crawler = await owing('credit', 'stripe')
    await night()
    const [last] = lab.stripe.books.invoices.slice(-1)
    await lab.fail.webhooks(fault)
    await fetch(`${lab.stripe.url}/pay/${last?.id}`, { method: 'POST' })
    const hasArrived = fault === 'twice' || fault === 'unordered'
    expect((await crawler.score()).paid).toBe(hasArrived ? 3n * PRICE : 0n)
    await lab.fail.mend()
    await night()
    await expectPaid(crawler)
  })
})

// The books show no restart: a fault that did nothing would pass here.
describe('lab.fail.worker', { timeout: TIMEOUT_MS }, () => {
  it.each(['killed', 'evicted', 'aborted'] as const)('loses no charge when it is %s', async (fault) => {
    const crawler = await owing()
    const account = (await crawler.account()) ?? ''
    await lab.fail.worker(fault === 'aborted' ? { aborts: account } : fault)
    await crawler.read('/more', 3)
    expect(await night()).toEqual(SETTLED)
    await expectPaid(crawler, 6n)
  })
})
