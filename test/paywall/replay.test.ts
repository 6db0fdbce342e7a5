/** The replay of counted requests: the decisions of another policy, and the facts that figures lack. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parsePolicy } from '../../src/config/policy.ts'
import type { Policy } from '../../src/paywall/policy.ts'
import { type CountedRequests, MAX_CLIENTS, replay } from '../../src/paywall/replay.ts'

const TERMS = {
  ORIGIN: 'https://origin.example.com',
  RECEIVER: `0x${'11'.repeat(20)}`,
  NETWORK: 'eip155:84532',
  PRICE: '0.002',
}

function policyOf(rules: object[], more: object = {}): Policy {
  const read = parsePolicy({ ...TERMS, RULES: rules, ...more })
  if (!read.ok) throw new Error(JSON.stringify(read.problems))
  return read.policy
}

const unpaid = (who: string, rule: string, requests: number): CountedRequests => ({
  ...{ who, rule, path: null, requests, charges: 0, charged: 0n },
})
const paid = (
  who: string,
  rule: string,
  path: string,
  charges: number,
  charged: bigint,
): CountedRequests => ({
  ...{ who, rule, path, requests: charges, charges, charged },
})
/** The replay of requests that were counted under the policy in force. */
const replayed = (live: Policy, draft: Policy, counted: readonly CountedRequests[]) =>
  replay({ live, draft, host: 'news.example' }, [{ policy: live, requests: counted }])
const exactly = <Sum>(sum: Sum) => ({ least: sum, most: sum })

describe('A replay', () => {
  it('compares what is asked and earned at another price', () => {
    const [live, draft] = [policyOf([]), policyOf([], { PRICE: '0.005' })]
    const counted = [unpaid('~GPTBot', 'default', 100), paid('~GPTBot', 'default', '/news', 10, 20_000n)]
    const { live: before, draft: after, left } = replayed(live, draft, counted)
    expect([before.asked, before.earned]).toEqual([exactly(220_000n), exactly(20_000n)])
    expect([after.asked, after.earned]).toEqual([exactly(550_000n), exactly(50_000n)])
    expect([after.charge, after.allow, after.block, left]).toEqual([exactly(110), exactly(0), exactly(0), 0])
  })

  it('states the least and the most where the page decides and was not counted', () => {
    const [live, draft] = [policyOf([]), policyOf([{ action: 'allow', path: '/feeds/*' }])]
    const { draft: after, rows } = replayed(live, draft, [unpaid('~GPTBot', 'default', 100)])
    expect(after.asked).toEqual({ least: 0n, most: 200_000n })
    expect(after.allow).toEqual({ least: 0, most: 100 })
    expect(rows[0]?.outcomes.map(({ draft }) => draft.rule).sort()).toEqual(['RULES[0]', 'default'])
  })

  it('decides a page that was counted by its own rule alone', () => {
    const [live, draft] = [policyOf([]), policyOf([{ action: 'block', path: '/feeds/*' }])]
    const counted = [
      paid('~GPTBot', 'default', '/feeds/all', 3, 6_000n),
      paid('', 'default', '/news', 2, 4_000n),
    ]
    const { draft: after } = replayed(live, draft, counted)
    expect([after.block, after.charge, after.earned]).toEqual([exactly(3), exactly(2), exactly(4_000n)])
  })

  it('follows the rule that decided: a claimed name is not a confirmed one', () => {
    const live = policyOf([{ action: 'charge', price: '0.01', path: '/archive/*' }])
    const draft = policyOf([{ action: 'allow', who: ['GPTBot'], verified: true }])
    const counted = [
      unpaid('GPTBot', 'RULES[0]', 7),
      unpaid('~GPTBot', 'RULES[0]', 9),
      unpaid('readers', 'default', 5),
    ]
    const { draft: after, live: before } = replayed(live, draft, counted)
    expect(before.asked).toEqual(exactly(160_000n))
    expect([after.allow, after.charge]).toEqual([exactly(12), exactly(9)])
  })

  it('leaves out requests that no known page explains, and names beyond its limit', () => {
    const live = policyOf([])
    const names = Array.from({ length: MAX_CLIENTS }, (_, at) => unpaid(`~Bot${at}`, 'default', 10))
    const counted = [
      ...names,
      unpaid('~GPTBot', 'default', 1),
      unpaid('~GPTBot', 'RULES[4]', 2),
      unpaid('other', 'other', 4),
    ]
    const { left, live: before } = replayed(live, live, counted)
    expect([left, before.charge]).toEqual([7, exactly(MAX_CLIENTS * 10)])
  })

  it('reads the rule by the policy under which the request was counted', () => {
    const before = policyOf([{ action: 'charge', price: '0.01', path: '/archive/*' }])
    const live = policyOf([
      { action: 'allow', path: '/press/*' },
      { action: 'charge', price: '0.03', path: '/archive/*' },
    ])
    const counted = [
      { policy: before, requests: [unpaid('~GPTBot', 'RULES[0]', 2)] },
      { policy: live, requests: [unpaid('~GPTBot', 'RULES[0]', 5)] },
    ]
    const result = replay({ live, draft: live, host: 'news.example' }, counted)
    expect([result.live.charge, result.live.allow]).toEqual([exactly(2), exactly(5)])
    expect(result.live.asked).toEqual(exactly(60_000n))
  })

  it('says which terms depend on facts that no figure has', () => {
    const draft = policyOf([{ action: 'allow', country: ['DE'], query: ['page'] }])
    const { notes } = replayed(policyOf([]), draft, [])
    expect(notes.join(' ')).toContain('No figure has queries, countries')
  })

  it('changes nothing under the same policy, whatever was counted', () => {
    const same = policyOf([
      { action: 'allow', path: '/press/*' },
      { action: 'charge', price: '0.01', path: '/archive/*', who: ['training'] },
    ])
    const one = fc.record({
      who: fc.constantFrom('GPTBot', '~GPTBot', '', 'readers', 'other', '~Owl'),
      rule: fc.constantFrom('default', 'RULES[0]', 'RULES[1] origin', 'free', null),
      path: fc.constantFrom(null, '/press/a', '/archive/b', '/'),
      requests: fc.nat(1000),
    })
    fc.assert(
      fc.property(fc.array(one), (some) => {
        const counted = some.map((each) => ({ ...each, charges: 0, charged: 0n }))
        const { live, draft, change, left, rows } = replayed(same, same, counted)
        const known = counted.reduce((sum, { requests }) => sum + requests, 0) - left
        expect(rows.reduce((sum, { requests }) => sum + requests, 0)).toBe(known)
        for (const sum of ['charge', 'allow', 'block', 'asked'] as const) {
          expect(draft[sum].least).toBeLessThanOrEqual(draft[sum].most)
          expect(live[sum].least).toBeLessThanOrEqual(live[sum].most)
        }
        expect(draft).toEqual(live)
        for (const sum of Object.values(change)) expect([Number(sum.least), Number(sum.most)]).toEqual([0, 0])
      }),
    )
  })
})
