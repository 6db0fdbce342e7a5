import { describe, expect, it } from 'vitest'
import { contractWarnings } from '../../../src/config/contracts.ts'
import { parsePolicy } from '../../../src/config/policy.ts'
import { type Asker, classify } from '../../../src/identity/classify.ts'
import { canonicalize } from '../../../src/paywall/path.ts'
import { decide, entryName, type Policy } from '../../../src/paywall/policy.ts'
import { describeProblems } from '../../../src/platform/problem.ts'

const TERMS = {
  ORIGIN: 'https://origin.example',
  RECEIVER: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
  NETWORK: 'eip155:84532',
  PRICE: '0.002',
}
const CONTRACTS = {
  GPTBot: { price: '0.001', until: '2027-06-30' },
  'https://agent.example': { price: '0.0005', until: '2027-06-30' },
}
const BEFORE = Date.parse('2027-06-30T23:59:59Z')
const AFTER = Date.parse('2027-07-01')

function read(terms: object) {
  return parsePolicy({ ...TERMS, ...terms })
}

function policyOf(terms: object): Policy {
  const result = read(terms)
  if (!result.ok) throw new Error(describeProblems(result.problems))
  return result.policy
}

function faultsOf(terms: object): string {
  const result = read(terms)
  return result.ok ? '' : describeProblems(result.problems)
}

const verified = (userAgent: string): Asker =>
  classify({ userAgent, signed: false, paying: false, cf: { botManagement: { verifiedBot: true } } })
const unknown = classify({ userAgent: 'GPTBot/1.2', signed: false, paying: false })

function decided(policy: Policy, asker: Asker, now: number, signer?: string) {
  const path = canonicalize('/a')
  if (!path.ok) throw new Error('the path must be canonical')
  return decide(policy, { method: 'GET', path: path.value, asker, now, ...(signer && { signer }) })
}

describe('a contract', () => {
  const policy = policyOf({
    CONTRACTS,
    SCHEMES: ['channel', 'credit'],
    RULES: [
      { action: 'allow', path: '/free/*' },
      { action: 'charge', price: '0.05', steps: [{ from: 10, price: '0.04' }] },
    ],
  })

  it('sets the price of its crawler, under any rule, to the end of its last day', () => {
    const now = decided(policy, verified('GPTBot/1.2'), BEFORE)
    expect([now.price, entryName(now), now.steps]).toEqual([1000n, 'RULES[1] contract', undefined])
    expect(decided(policy, verified('GPTBot/1.2'), AFTER).price).toBe(50_000n)
  })

  it('is not for a name that is only claimed, nor for another crawler', () => {
    expect(decided(policy, unknown, BEFORE).price).toBe(50_000n)
    expect(decided(policy, verified('ClaudeBot/1.0'), BEFORE).price).toBe(50_000n)
  })

  it('is for the agent of a valid signature, by its URL', () => {
    expect(decided(policy, unknown, BEFORE, 'agent.example').price).toBe(500n)
    expect(decided(policy, unknown, BEFORE, 'other.example').price).toBe(50_000n)
  })

  it('sets the default price too, and leaves free pages free', () => {
    const plain = policyOf({ CONTRACTS })
    expect(entryName(decided(plain, verified('GPTBot/1.2'), BEFORE))).toBe('default contract')
  })

  it('is warned of 14 days before it ends, and after', () => {
    const warnings = (now: string) =>
      contractWarnings(policy.contracts, Date.parse(now)).map(({ place, message }) => `${place} ${message}`)
    expect(warnings('2027-06-16')).toEqual([])
    expect(warnings('2027-06-18')[0]).toBe(
      'CONTRACTS.gptbot must be renewed or removed: the contract ends on 2027-06-30',
    )
    expect(warnings('2027-07-02')[1]).toContain('CONTRACTS.agent.example must be renewed')
  })

  it.each([
    [{ NoSuchBot: { price: '1', until: '2027-06-30' } }, 'CONTRACTS.NoSuchBot must be renamed to a known'],
    [{ 'http://a.example': { price: '1', until: '2027-06-30' } }, 'must be renamed to a known crawler'],
    [{ GPTBot: { price: 1, until: '2027-06-30' } }, 'CONTRACTS.GPTBot.price must be'],
    [{ GPTBot: { price: '1' } }, 'CONTRACTS.GPTBot.until must be'],
    [{ GPTBot: { price: '1', until: '2027-02-30' } }, 'CONTRACTS.GPTBot.until must be the last day'],
    [{ GPTBot: { price: '1', until: '2027-06-30', tier: 'x' } }, 'CONTRACTS.GPTBot.tier must be removed'],
  ])('as %j names its fault', (contracts, expected) => {
    expect(faultsOf({ CONTRACTS: contracts })).toContain(expected)
  })
})

describe('the steps of a rule', () => {
  it.each([
    [{ steps: [] }, 'RULES[0].steps must have at least one step'],
    [{ steps: [{ from: 1, price: '1' }] }, 'RULES[0].steps[0].from must be a whole number of pages'],
    [
      {
        steps: [
          { from: 20, price: '1' },
          { from: 10, price: '1' },
        ],
      },
      'RULES[0].steps must be ordered by "from"',
    ],
    [{ steps: [{ from: 10, price: '0' }] }, 'RULES[0].steps[0].price must be'],
    [{ steps: [{ from: 10, price: '1' }], schemes: ['exact'] }, '"schemes" must have "credit"'],
    [{ steps: [{ from: 10, price: '1' }] }, 'SCHEMES must have "credit"'],
  ])('as %j name their fault', (terms, expected) => {
    expect(faultsOf({ RULES: [{ action: 'charge', ...terms }] })).toContain(expected)
  })
})
