import { describe, expect, expectTypeOf, it } from 'vitest'
import type { Bindings } from '../../src/app/bindings.ts'
import { parsePolicy } from '../../src/config/policy.ts'
import type { RULE_TERMS } from '../../src/config/rule/index.ts'
import type { PolicyRule, Terms } from '../../src/index.ts'

const SITE = { ORIGIN: 'self', RECEIVER: `0x${'1'.repeat(40)}`, NETWORK: 'eip155:84532' }

describe('Terms stated in code', () => {
  it('are a policy that the Worker accepts', () => {
    const terms: Terms = {
      PRICE: '0.002',
      SCHEMES: ['channel', 'exact'],
      RULES: [
        { action: 'allow', who: ['search', 'GPTBot', 'agent:AcmeBot'], path: '/sections/*' },
        { action: 'charge', method: ['GET', 'POST'], price: '0.05', schemes: 'exact' },
        { action: 'block', who: 'crawlers', path: '/search' },
      ],
    }
    expect(parsePolicy({ ...SITE, ...terms }).ok).toBe(true)
  })

  it('have a type for every term that a rule may state, and for no other', () => {
    type Keys<Rule> = Rule extends unknown ? keyof Rule : never
    expectTypeOf<Keys<PolicyRule>>().toEqualTypeOf<keyof typeof RULE_TERMS | 'action'>()
  })

  it('reject a price on a rule that allows or blocks, as a type and at run time', () => {
    type Priced = { action: 'allow'; price: string }
    expectTypeOf<Priced>().not.toExtend<PolicyRule>()
    const priced = { action: 'allow', price: '0.05' }
    expect(parsePolicy({ ...SITE, PRICE: '0.002', RULES: [priced] }).ok).toBe(false)
  })

  it('name only clients of the table, classes and agents', () => {
    type Misspelled = { action: 'block'; who: 'GTPBot' }
    expectTypeOf<Misspelled>().not.toExtend<PolicyRule>()
    expect(parsePolicy({ ...SITE, PRICE: '0.002', RULES: [{ action: 'block', who: 'GTPBot' }] }).ok).toBe(
      false,
    )
  })
})

describe('The bindings of wrangler.toml', () => {
  it('are all that the package asks for, as wrangler generates their types', () => {
    expectTypeOf<Cloudflare.Env>().toExtend<Bindings>()
  })
})
