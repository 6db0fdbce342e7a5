import { describe, expect, it } from 'vitest'
import { parsePolicy } from '../../../src/config/policy.ts'
import { editionOf } from '../../../src/paywall/edition.ts'
import { type Content, gate } from '../../../src/paywall/gate.ts'
import { licenseXml } from '../../../src/terms/rsl.ts'

const VARS = {
  ORIGIN: 'https://origin.example',
  RECEIVER: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
  NETWORK: 'eip155:84532',
  PRICE: '0.002',
  SCHEMES: ['exact'],
}

function policyOf(...rules: unknown[]) {
  const read = parsePolicy({ ...VARS, RULES: rules })
  if (!read.ok) throw new Error(JSON.stringify(read.problems))
  return read.policy
}

function problemOf(country: unknown): string | undefined {
  const read = parsePolicy({ ...VARS, RULES: [{ action: 'block', country }] })
  return read.ok ? undefined : read.problems[0]?.message
}

/** The status that a request from a country gets. `undefined`: the platform names none. */
async function statusFrom(country: string | undefined, rule: object, agent = 'GPTBot/1.2'): Promise<number> {
  const origin: Content = { pass: async () => new Response('page'), buy: async () => new Response('page') }
  const site = gate({
    edition: editionOf({ policy: policyOf(rule), schemes: {}, now: Date.now }),
    now: Date.now,
    newId: () => 'id',
    cloudflareCharges: false,
  })
  const headers = { 'user-agent': agent, 'cf-ipcountry': 'DE' }
  const request = new Request('https://site.example/a', { headers })
  return (await site(Object.assign(request, { cf: country && { country } }), origin)).status
}

describe('the rule term country', () => {
  const block = { action: 'block', who: 'everyone', country: ['DE', 'AT'] }

  it('covers requests from the countries that it lists and from no other', async () => {
    expect(await statusFrom('DE', block)).toBe(403)
    expect(await statusFrom('AT', block)).toBe(403)
    expect(await statusFrom('FR', block)).toBe(402)
  })

  it('covers readers where the rule is for everyone', async () => {
    const browser = 'Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0'
    expect(await statusFrom('DE', block, browser)).toBe(403)
    expect(await statusFrom('FR', block, browser)).toBe(200)
  })

  it('takes a request without a country for "none", whatever its headers state', async () => {
    expect(await statusFrom(undefined, block)).toBe(402)
    expect(await statusFrom(undefined, { ...block, country: 'none' })).toBe(403)
    expect(await statusFrom('XX', { ...block, country: 'none' })).toBe(403)
    expect(await statusFrom('T1', { ...block, country: 'T1' })).toBe(403)
  })

  it.each([
    ['de', /must be an ISO 3166 code/],
    ['Germany', /must be an ISO 3166 code/],
    ['UK', /must be "GB"/],
    ['XX', /must be "none"/],
    [[], /must have at least one item/],
  ])('rejects %j', (country, message) => {
    expect(problemOf(country)).toMatch(message)
  })

  it('leaves the price of its pages unsaid in documents of terms', () => {
    const dear = { action: 'charge', price: '0.05', path: '/archive/*' }
    expect(licenseXml(policyOf(dear))).toContain('0.05')
    const byCountry = licenseXml(policyOf({ ...dear, country: 'DE' }))
    expect(byCountry).not.toContain('0.05')
    expect(byCountry).not.toContain('/archive')
  })
})
