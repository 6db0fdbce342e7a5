/** The settings of gas: their defaults, their limits, and warnings about prices that cannot pay for their gas. */
import { describe, expect, it } from 'vitest'
import { GAS_TERMS } from '../../src/chain/relayer/gas-money.ts'
import { readConfig } from '../../src/config/config.ts'

const ENV = {
  ORIGIN: 'https://origin.example',
  RECEIVER: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
  NETWORK: 'eip155:84532',
  PRICE: '0.01',
  RPC_URL: 'https://node.example',
  RELAYER_KEY: `0x${'11'.repeat(32)}`,
  BOOK: {},
}

function read(vars: object) {
  const result = readConfig({ ...ENV, ...vars })
  if (!result.ok) throw new Error(result.problems.map(({ place }) => place).join())
  return result
}

function warnedOf(vars: object): string[] {
  return read(vars).warnings.map(({ place }) => place)
}

function problemsOf(vars: object): string[] {
  const result = readConfig({ ...ENV, ...vars })
  return result.ok ? [] : result.problems.map(({ place, message }) => `${place} ${message}`)
}

describe('The settings of gas', () => {
  it('have defaults', () => {
    const least = { minDeposit: 10_000n, minRefund: 5_000n, minClaim: 1_000n }
    expect(read({}).config.networks[0]?.gas).toEqual({ ...GAS_TERMS, ...least })
    expect(GAS_TERMS.nativePrice).toBeNull()
  })

  it('are read as USD, gwei and native tokens', () => {
    const gas = {
      MAX_FEE_GWEI: '0.5',
      NATIVE_PRICE: '3000',
      GAS_RESERVE: '0.000000000000000001',
      GAS_PER_PAYER: '0',
      GAS_NEW_PAYERS: '1',
      MIN_REFUND: '0.05',
      MIN_CLAIM: '0.002',
    }
    expect(read(gas).config.networks[0]?.gas).toEqual({
      maxFee: 500_000_000n,
      nativePrice: 3_000_000_000n,
      reserve: 1n,
      perPayer: 0n,
      newPayers: 10n ** 18n,
      minDeposit: 10_000n,
      minRefund: 50_000n,
      minClaim: 2_000n,
    })
  })

  it.each([
    ['MAX_FEE_GWEI', '0'],
    ['MAX_FEE_GWEI', '10001'],
    ['MAX_FEE_GWEI', '0.0000000001'],
    ['NATIVE_PRICE', '0'],
    ['GAS_RESERVE', '0.0000000000000000001'],
    ['GAS_RESERVE', '-1'],
    ['GAS_PER_PAYER', '1e3'],
    ['GAS_NEW_PAYERS', 1],
    ['MIN_REFUND', '0'],
    ['MIN_CLAIM', '0.0000001'],
  ])('reject %s = %j with what it must be', (place, value) => {
    expect(problemsOf({ [place]: value })).toEqual([expect.stringMatching(`^${place} must be `)])
  })
})

describe('A price that cannot pay for its gas', () => {
  it('is a warning with the least that can, and no fault [H2]', () => {
    const [warning, ...rest] = read({ PRICE: '0.001' }).warnings
    expect(rest).toEqual([])
    expect(warning).toEqual({
      place: 'PRICE',
      message:
        'must be at least $0.00225 to pay for the gas of its transfer by our relayer, at 0.01 gwei and $3000.00 for the native token',
    })
  })

  it('goes without a warning where a facilitator pays, or exact is not offered', () => {
    expect(warnedOf({ PRICE: '0.001', FACILITATOR_URL: 'https://f.example' })).toEqual([])
    expect(warnedOf({ PRICE: '0.001', SCHEMES: ['channel'] })).toEqual([])
  })

  it('is found in every rule that charges by exact', () => {
    const RULES = [
      { path: '/a', action: 'charge', price: '0.001' },
      { path: '/b', action: 'charge', price: '0.001', schemes: ['channel'] },
      { path: '/c', action: 'allow' },
      { path: '/d', action: 'charge', price: '0.00225' },
    ]
    expect(warnedOf({ RULES })).toEqual(['RULES[0].price'])
  })

  it('follows NATIVE_PRICE, also for deposits, refunds and claims', () => {
    expect(warnedOf({ NATIVE_PRICE: '30000' })).toEqual(['PRICE', 'MIN_DEPOSIT', 'MIN_REFUND', 'MIN_CLAIM'])
    expect(warnedOf({ NATIVE_PRICE: '1' })).toEqual([])
  })
})
