import { describe, expect, it } from 'vitest'
import { parsePolicy } from '../../src/config/policy.ts'
import { Decisions } from '../../src/paywall/decisions.ts'

const OFFER_MS = 300_000
const ENDS_AT = Date.UTC(2026, 11, 1)
const PAGE = 'https://site.example/a'
const TERMS = {
  ORIGIN: 'zone',
  RECEIVER: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
  NETWORK: 'eip155:84532',
  PRICE: '0.001',
}

/** The decisions of a site, at a clock that the test sets, for a crawler whose name is proved. */
function decisionsOf(terms: object) {
  const read = parsePolicy({ ...TERMS, ...terms })
  if (!read.ok) throw new Error('the policy must be valid')
  const clock = { now: ENDS_AT }
  const decisions = new Decisions(read.policy, OFFER_MS, () => clock.now)
  const asker = {
    kind: 'crawler',
    name: 'GPTBot',
    class: 'training',
    claim: 'confirmed',
    reasons: [],
  } as const
  const asked = () => ({ method: 'GET', url: PAGE, asker, now: clock.now })
  const pricesNow = () => decisions.earlier(asked(), PAGE).map(({ price }) => price)
  return { clock, decisions, prices: () => [...new Set(pricesNow())].sort() }
}

describe('Decisions.earlier', () => {
  it('keeps the price of a contract that has ended for as long as an offer of it is valid', () => {
    const { clock, prices } = decisionsOf({ CONTRACTS: { GPTBot: { price: '0.0004', until: '2026-11-30' } } })
    clock.now = ENDS_AT - 1
    expect(prices()).toEqual([400n])
    clock.now = ENDS_AT + OFFER_MS - 1
    expect(prices()).toEqual([1000n, 400n])
    clock.now = ENDS_AT + OFFER_MS
    expect(prices()).toEqual([1000n])
  })

  it('keeps the price that an origin has replaced for as long as an offer of it is valid', () => {
    const { clock, decisions, prices } = decisionsOf({ RULES: [{ action: 'charge', price: 'origin' }] })
    decisions.learn(PAGE, new Headers({ 'tab402-price': '0.005' }))
    decisions.learn(PAGE, new Headers({ 'tab402-price': '0.003' }))
    expect(prices()).toEqual([3000n, 5000n])
    clock.now += OFFER_MS
    expect(prices()).toEqual([3000n])
  })

  it('lists no price for terms that no moment changes', () => {
    expect(decisionsOf({}).prices()).toEqual([])
  })
})
