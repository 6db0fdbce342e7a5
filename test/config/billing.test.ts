import { describe, expect, it } from 'vitest'
import { describeProblems, readConfig } from '../../src/config/config.ts'
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
  if (!result.ok) throw new Error(describeProblems(result.problems))
  return result.config.bill
}

function problemsOf(vars: object): string[] {
  const result = readConfig({ ...ENV, ...vars })
  return result.ok ? [] : result.problems.map(({ place, message }) => `${place} ${message}`)
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

  it('takes PUBLIC_URL alone, and asks for it where a registry of sites is bound', () => {
    expect(problemsOf({ PUBLIC_URL: 'https://till.example' })).toEqual([])
    expect(problemsOf({ SITES: {} })).toEqual(['PUBLIC_URL must be set when SITES is bound'])
  })

  it('reports every setting that is missing beside the others', () => {
    expect(problemsOf({ SELLER, LINES: undefined })).toEqual([
      'OPERATOR_KEY must be set when SELLER is set',
      'PUBLIC_URL must be set when SELLER is set',
      'LINES must be bound when SELLER is set',
    ])
    expect(
      problemsOf({ WEBHOOK_SECRET: 'x'.repeat(16), STRIPE_WEBHOOK_SECRET: STRIPE.STRIPE_WEBHOOK_SECRET }),
    ).toEqual([
      'WEBHOOK_URL must be set when WEBHOOK_SECRET is set',
      'STRIPE_SECRET_KEY must be set when STRIPE_WEBHOOK_SECRET is set',
    ])
  })

  it.each<[string, unknown, string]>([
    ['SELLER', { ...SELLER, country: 'Germany' }, 'country must be an ISO 3166 code of two capital letters'],
    ['SELLER', { ...SELLER, vat: '19' }, 'vat must be a percentage in quotes with at most two decimals'],
    ['SELLER', { ...SELLER, vta: '19%' }, 'vta must be removed: the name is unknown'],
    ['SELLER', 'Tally', 'must be a table with name and country'],
    ['OPERATOR_KEY', { ...KEY, crv: 'P-256' }, 'must be an Ed25519 private key as a JWK'],
    ['OPERATOR_KEY', { ...KEY, d: 'short' }, 'must be an Ed25519 private key as a JWK'],
    ['PUBLIC_URL', 'http://till.example', "must be this Worker's https URL without a path"],
    ['PUBLIC_URL', 'https://till.example/path', "must be this Worker's https URL without a path"],
    ['DUNNING', { pastDue: 20, suspended: 10 }, 'must be ascending: pastDue ≤ suspended ≤ writtenOff'],
    ['DUNNING', { net: -1 }, 'must be 0 to 3650 whole days'],
    ['WEBHOOK_SECRET', 'short', 'must be 16 to 256 printable ASCII characters'],
    ['STRIPE_SECRET_KEY', 'pk_live_123456789', 'must be a secret or restricted key of Stripe'],
  ])('rejects a %s of %j and repeats no secret', (name, value, message) => {
    const problems = problemsOf({
      ...BILL,
      WEBHOOK_URL: 'https://hook.example',
      ...STRIPE,
      [name]: value,
    }).join('\n')
    expect(problems).toContain(name)
    expect(problems).toContain(message)
    expect(problems).not.toContain(KEY.d)
  })

  it.each([
    [
      { ...BILL, SELLER: { name: 'Tally' } },
      'SELLER.country must be set: an ISO 3166 code of two capital letters. Example: "DE"',
    ],
    [{ ...BILL, DUNNING: { net: -1 } }, 'DUNNING.net must be 0 to 3650 whole days. Example: 14'],
    [
      { CREDIT_TIERS: { partner: '80' } },
      'CREDIT_TIERS.partner must be a percentage above "0%" and up to "100%". Example: { partner = "80%" }',
    ],
  ])('states for a wrong part how the whole setting must look: %j', (vars, message) => {
    const result = readConfig({ ...ENV, ...vars })
    const text = result.ok ? '' : describeProblems(result.problems)
    expect(text).toContain(message)
    expect(text).not.toContain('removed')
  })

  it('rejects Stripe settings in a build without Stripe', () => {
    expect(problemsOf({ ...BILL, ...STRIPE })).toEqual([
      'STRIPE_SECRET_KEY must be used with the Stripe build of the Worker',
    ])
    includeStripe(() => import('../../src/rails/stripe/rail.ts'))
    expect(read({ ...BILL, ...STRIPE })?.stripe).toEqual({
      secretKey: 'sk_test_123456789',
      webhookSecret: 'whsec_123456789',
      api: undefined,
    })
  })
})
