import { describe, expect, it } from 'vitest'
import { describeFaults, readConfig } from '../../src/config/config.ts'
import { includeStripe } from '../../src/config/stripe-plugin.ts'

const ENV = {
  ORIGIN: 'https://origin.example',
  RECEIVER: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
  NETWORK: 'eip155:84532',
  PRICE: '0.001',
  RPC_URL: 'https://node.example',
  RELAYER_KEY: `0x${'11'.repeat(32)}`,
  BOOK: {},
  LINES: {},
  NUMBERS: {},
}

const KEY = {
  kty: 'OKP',
  crv: 'Ed25519',
  d: 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A',
  x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
}
const SELLER = { name: 'Tally GmbH', country: 'DE', taxId: 'DE123456789', vat: '19%' }
const BILL = { SELLER, OPERATOR_KEY: KEY, PUBLIC_URL: 'https://till.example' }
const STRIPE = { STRIPE_SECRET_KEY: 'sk_test_123456789', STRIPE_WEBHOOK_SECRET: 'whsec_123456789' }

function read(vars: object) {
  const result = readConfig({ ...ENV, ...vars })
  if (!result.ok) throw new Error(describeFaults(result.faults))
  return result.config.bill
}

function faultsOf(vars: object): string[] {
  const result = readConfig({ ...ENV, ...vars })
  return result.ok ? [] : result.faults.map(({ place, fault }) => `${place} ${fault}`)
}

describe('billing config', () => {
  it('is undefined without a seller', () => {
    expect(read({})).toBeUndefined()
  })

  it('takes the vars, and default dunning days', () => {
    expect(read(BILL)).toEqual({
      seller: { name: 'Tally GmbH', country: 'DE', taxId: 'DE123456789', vatRate: 1900 },
      key: KEY,
      publicUrl: 'https://till.example',
      dunning: { net: 14, pastDue: 3, suspended: 10, writtenOff: 90 },
      transferTo: '',
      webhook: undefined,
      stripe: undefined,
    })
  })

  it('accepts JSON text, as secrets and `wrangler --var` give it', () => {
    const json = { SELLER: JSON.stringify(SELLER), OPERATOR_KEY: JSON.stringify(KEY) }
    const more = { DUNNING: '{"net":"7","pastDue":0,"suspended":0,"writtenOff":365}' }
    expect(read({ ...BILL, ...json, ...more })).toMatchObject({
      seller: { vatRate: 1900 },
      dunning: { net: 7, pastDue: 0, suspended: 0, writtenOff: 365 },
    })
  })

  it.each([
    ['7%', 700],
    ['8.1%', 810],
    ['25.55%', 2555],
    ['0%', 0],
  ])('reads a VAT rate of %s', (vat, vatRate) => {
    expect(read({ ...BILL, SELLER: { ...SELLER, vat } })?.seller).toMatchObject({ vatRate })
  })

  it('reports every setting that is missing beside the others', () => {
    expect(faultsOf({ SELLER, LINES: undefined })).toEqual([
      'OPERATOR_KEY is missing beside SELLER',
      'PUBLIC_URL is missing beside SELLER',
      'LINES is missing beside SELLER',
    ])
    expect(
      faultsOf({ WEBHOOK_SECRET: 'x'.repeat(16), STRIPE_WEBHOOK_SECRET: STRIPE.STRIPE_WEBHOOK_SECRET }),
    ).toEqual([
      'WEBHOOK_URL is missing beside WEBHOOK_SECRET',
      'STRIPE_SECRET_KEY is missing beside STRIPE_WEBHOOK_SECRET',
    ])
  })

  it.each<[string, unknown, string]>([
    ['SELLER', { ...SELLER, country: 'Germany' }, 'country is no country code'],
    ['SELLER', { ...SELLER, vat: '19' }, 'vat is no percentage'],
    ['SELLER', { ...SELLER, vta: '19%' }, 'is no table, or has a key too many'],
    ['SELLER', 'Tally', 'is no table'],
    ['OPERATOR_KEY', { ...KEY, crv: 'P-256' }, 'is another curve'],
    ['OPERATOR_KEY', { ...KEY, d: 'short' }, 'is no key'],
    ['PUBLIC_URL', 'http://till.example', 'is not encrypted'],
    ['PUBLIC_URL', 'https://till.example/path', 'has a path'],
    ['DUNNING', { pastDue: 20, suspended: 10 }, 'is in no ascending order'],
    ['DUNNING', { net: -1 }, 'is too small'],
    ['WEBHOOK_SECRET', 'short', 'is too short'],
    ['STRIPE_SECRET_KEY', 'pk_live_123456789', 'is no key of Stripe'],
  ])('rejects a %s of %j and repeats no secret', (name, value, fault) => {
    const faults = faultsOf({ ...BILL, WEBHOOK_URL: 'https://hook.example', ...STRIPE, [name]: value }).join(
      '\n',
    )
    expect(faults).toContain(name)
    expect(faults).toContain(fault)
    expect(faults).not.toContain(KEY.d)
  })

  it.each([
    [{ ...BILL, SELLER: { name: 'Tally' } }, 'SELLER.country is missing; it should be who invoices'],
    [{ ...BILL, DUNNING: { net: -1 } }, 'DUNNING.net is too small; it should be days'],
    [{ CREDIT_TIERS: { partner: '80' } }, 'CREDIT_TIERS.partner is no percentage; it should be'],
  ])('states for a wrong part how the whole setting must look: %j', (vars, fault) => {
    const result = readConfig({ ...ENV, ...vars })
    const text = result.ok ? '' : describeFaults(result.faults)
    expect(text).toContain(fault)
    expect(text).not.toContain('removed')
  })

  it('rejects Stripe settings in a build without Stripe', () => {
    expect(faultsOf({ ...BILL, ...STRIPE })).toEqual([
      'STRIPE_SECRET_KEY is of no use to a build without Stripe',
    ])
    includeStripe(() => import('../../src/rails/stripe/rail.ts'))
    expect(read({ ...BILL, ...STRIPE })?.stripe).toEqual({
      secretKey: 'sk_test_123456789',
      webhookSecret: 'whsec_123456789',
      api: undefined,
    })
  })
})
