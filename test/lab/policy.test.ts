import { describe, expect, it } from 'vitest'
import { mustBePolicy } from '../../src/lab/policy.ts'
import type { WorkerPlan } from '../../src/testing/stack/plan.ts'

const objects = ['ACCOUNT', 'AUTHORIZATIONS', 'RELAYER']
const plan = {
  options: {
    durableObjects: Object.fromEntries(objects.map((name) => [name, { className: name }])),
    d1Databases: { BOOK: 'book' },
    workflows: { SETTLEMENT: { name: 'settlement', className: 'Settlement' } },
  },
  vars: { ORIGIN: 'zone', NETWORK: 'eip155:84532', PRICE: '0.001', SCHEMES: ['channel', 'exact'], RULES: [] },
} as unknown as WorkerPlan

const given = {
  RECEIVER: `0x${'11'.repeat(20)}`,
  RPC_URL: 'http://127.0.0.1:8545',
  RELAYER_KEY: `0x${'1f'.repeat(32)}`,
}

describe('mustBePolicy', () => {
  it('accepts vars that the Worker would serve with', () =>
    expect(() => mustBePolicy(plan, given)).not.toThrow())

  it('rejects a var that the Worker does not read', () => {
    for (const name of ['PRICEE', 'price'])
      expect(() => mustBePolicy(plan, given, { [name]: '1' })).toThrow(`vars of docs/policy.md, not ${name}`)
    const known = { PRICE: '1', RULES: [], STRIPE_SECRET_KEY: 'sk', MAX_UNCLAIMED: '1' }
    expect(() => mustBePolicy(plan, given, known)).not.toThrow()
  })

  it('throws with each problem that the Worker would log', () => {
    const wrong = () => mustBePolicy(plan, { ...given, PRICE: 'free', SCHEMES: '["chanel"]' })
    expect(wrong).toThrow(/^the policy of openLab is wrong:\nPRICE must be USD/)
    expect(wrong).toThrow(/^SCHEMES\[0\] must be "channel", "exact" or "credit"/m)
  })
})
