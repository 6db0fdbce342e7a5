import { describe, expect, it } from 'vitest'
import type { InvoiceStanding } from '../../src/ledger/billing/types.ts'
import { accept, refuse } from '../../src/protocol/refusal.ts'
import { paying, stablecoinRail } from '../../src/rails/stablecoin.ts'
import type { ExactPayment } from '../../src/schemes/exact/payment.ts'
import type { ExactScheme } from '../../src/schemes/exact/scheme.ts'
import { randomHex } from '../chain/harness.ts'
import { DAY, MIDNIGHT, newCustomer, newOperator, runBilling } from './harness.ts'

/** An operator with a stablecoin rail, whose pay URL changes with the key. */
async function newStablecoinOperator() {
  const operator = await newOperator()
  const { lines } = operator.settings
  const address = { key: 'first' }
  const chain = { answers: true }
  const network = 'eip155:84532' as const
  const settle = async () =>
    chain.answers ? accept({ success: true, transaction: randomHex(32), network }) : refuse('outcome_unknown')
  const find = async () => ({ status: 'refused', isFinal: false })
  const exact = { network, find, charge: async () => accept({ settle }) } as unknown as ExactScheme
  const stablecoins = {
    exact: [exact],
    lineOf: (agent: string) => lines.getByName(agent),
    urlOf: async ({ id }: { id: string }) => `https://portal.test/${id}?key=${address.key}`,
    now: () => operator.clock.at,
    newId: () => crypto.randomUUID(),
  }
  const rails = { ...operator.settings.rails, stablecoin: stablecoinRail(stablecoins) }
  return { ...operator, settings: { ...operator.settings, rails }, address, chain, stablecoins }
}

function paymentOf(value: bigint): ExactPayment {
  const [from, to, nonce] = [randomHex(20), randomHex(20), randomHex(32)]
  const authorization = { from, to, value, validAfter: 0n, validBefore: 10n ** 12n, nonce }
  const payload = { authorization, signature: randomHex(65) }
  return { version: 2, scheme: 'exact', network: 'eip155:84532', accepted: null, payload }
}

/** A payment by `exact` whose answer is lost. */
async function attempt(
  { chain, stablecoins }: Awaited<ReturnType<typeof newStablecoinOperator>>,
  invoice: InvoiceStanding,
) {
  chain.answers = false
  const url = `https://portal.test/${invoice.id}`
  const sold = { rule: 'default', site: null, policy: 0, who: null }
  const purchase = { id: randomHex(8), price: invoice.total, request: `GET ${url}`, url, ...sold }
  const [scheme] = paying(stablecoins, invoice)
  const taken = await scheme?.charge(paymentOf(invoice.total), purchase)
  if (taken?.ok) await taken.value.settle()
  chain.answers = true
}

describe('Invoice that was written off', () => {
  it('is paid in the next run by a payment whose answer was lost', async () => {
    const operator = await newStablecoinOperator()
    const customer = await newCustomer([1_000_000n], { rail: 'stablecoin' })
    for (const day of [0, 104, 106]) await runBilling(operator, MIDNIGHT + day * DAY)
    const invoice = await customer.only()
    expect(invoice.stage).toBe('written_off')
    await attempt(operator, invoice)
    await runBilling(operator, MIDNIGHT + 107 * DAY)
    expect(await customer.only()).toMatchObject({ paid: invoice.total, stage: 'settled' })
  })
})

describe('Invoice that was paid at its rail after an attempt by `exact`', () => {
  it('is not paid a second time by the run that reads both', async () => {
    const operator = await newStablecoinOperator()
    const customer = await newCustomer([1_000_000n], { rail: 'stripe' })
    await runBilling(operator)
    const invoice = await customer.only()
    await attempt(operator, invoice)
    operator.stripe.books.pay(invoice.presented?.reference ?? '')
    expect((await runBilling(operator, MIDNIGHT + DAY)).findings).toEqual([])
    expect(await customer.only()).toMatchObject({ paid: invoice.total, stage: 'settled' })
  })
})

describe('Submitted invoice', () => {
  it('gets the new pay URL in the next run after the URL changed', async () => {
    const operator = await newStablecoinOperator()
    const customer = await newCustomer([1_000_000n], { rail: 'stablecoin' })
    const url = async () => (await customer.only()).presented?.url
    const seen: (string | null | undefined)[] = []
    for (const [at, key] of ['first', 'first', 'second', 'first', 'second'].entries()) {
      operator.address.key = key
      await runBilling(operator, MIDNIGHT + at * DAY)
      seen.push(await url())
    }
    const { id } = await customer.only()
    const address = (key: string) => `https://portal.test/${id}?key=${key}`
    expect(seen).toEqual(['first', 'first', 'second', 'first', 'second'].map(address))
    const history = await customer.line().history(id)
    expect(history.filter(({ kind }) => kind === 'presented')).toHaveLength(4)
    await customer.restart()
    expect(await url()).toBe(address('second'))
  })

  it('is submitted once to rails with a fixed URL', async () => {
    const operator = await newStablecoinOperator()
    const customers = [await newCustomer([1_000_000n], { rail: 'stripe' }), await newCustomer([1_000_000n])]
    await runBilling(operator)
    operator.address.key = 'second'
    await runBilling(operator, MIDNIGHT + DAY)
    for (const customer of customers) {
      const history = await customer.line().history((await customer.only()).id)
      expect(history.filter(({ kind }) => kind === 'presented')).toHaveLength(1)
    }
    expect(operator.stripe.books.invoices).toHaveLength(1)
  })
})

describe('Invoice for a missing rail', () => {
  it('is reported as rail_failed and created once the rail is configured', async () => {
    const operator = await newOperator()
    const customer = await newCustomer([1_000_000n], { rail: 'stripe' })
    const { transfer } = operator.settings.rails
    const without = { ...operator, settings: { ...operator.settings, rails: transfer ? { transfer } : {} } }
    const detail = expect.stringContaining('rail "stripe" must be configured: it needs STRIPE_SECRET_KEY')
    const finding = { account: customer.agent, what: 'rail_failed', detail }
    for (const at of [0, 1])
      expect(await runBilling(without, MIDNIGHT + at * DAY)).toMatchObject({ findings: [finding] })
    expect(await customer.invoices()).toEqual([])
    expect(await runBilling(operator, MIDNIGHT + 2 * DAY)).toMatchObject({ findings: [] })
    expect((await customer.only()).net).toBe(1_000_000n)
  })
})
