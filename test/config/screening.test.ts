import { describe, expect, it } from 'vitest'
import { readConfig } from '../../src/config/config.ts'

const ADDRESS = `0x${'Ab'.repeat(20)}`
const VARS = {
  ORIGIN: 'https://origin.example',
  RECEIVER: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
  NETWORK: 'eip155:8453',
  PRICE: '0.002',
  SCHEMES: ['exact'],
  FACILITATOR_URL: 'https://facilitator.example',
}
const BOUND = { LISTS: {}, RPC_URL: 'https://node.example' }
const NODE_OF_A_TESTNET = { 'eip155:84532': 'https://node.example' }

function screeningOf(vars: object) {
  const read = readConfig({ ...VARS, ...BOUND, ...vars })
  if (!read.ok) throw new Error(JSON.stringify(read.problems))
  return read.config.screening
}

function problemsOf(vars: object): string[] {
  const read = readConfig({ ...VARS, ...vars })
  return read.ok ? [] : read.problems.map(({ place, message }) => `${place} ${message}`)
}

describe('SCREENING', () => {
  it('is off where nothing is set', () => {
    expect(screeningOf({})).toBeUndefined()
    expect(screeningOf({ SCREEN_ALLOW: ADDRESS })).toBeUndefined()
  })

  it('takes the public oracle of the network, lists, and how single acts fail', () => {
    const lists = ['https://lists.example/a.txt', 'https://lists.example/b.txt']
    expect(screeningOf({ SCREENING: { oracle: true, lists, exact: 'open' } })).toMatchObject({
      oracles: new Map([['eip155:8453', '0x3a91a31cb3dc49b4db9ce721f50a9d076c8d739b']]),
      lists,
      failing: { exact: 'open', deposit: 'closed', voucher: 'open' },
    })
  })

  it('asks the public oracle on a network with a node, since without one every address would pass', () => {
    const RPC_URL = { 'eip155:137': 'https://node.example' }
    const NETWORK = ['eip155:8453', 'eip155:137']
    expect(screeningOf({ NETWORK, RPC_URL, SCREENING: { oracle: true } })).toMatchObject({
      oracles: new Map([['eip155:137', '0x40c57923924b5c5c5455c48d93317139addac8fb']]),
    })
  })

  it('takes the public oracle of each network, and addresses by network', () => {
    const NETWORK = ['eip155:84532', 'eip155:8453', 'eip155:137']
    const RPC_URL = Object.fromEntries(NETWORK.map((id) => [id, `https://${id.slice(7)}.example`]))
    expect(screeningOf({ NETWORK, RPC_URL, SCREENING: { oracle: true } })?.oracles).toEqual(
      new Map([
        ['eip155:8453', '0x3a91a31cb3dc49b4db9ce721f50a9d076c8d739b'],
        ['eip155:137', '0x40c57923924b5c5c5455c48d93317139addac8fb'],
      ]),
    )
    const oracle = { 'eip155:137': true, 'eip155:84532': ADDRESS }
    expect(screeningOf({ NETWORK, RPC_URL, SCREENING: { oracle } })?.oracles).toEqual(
      new Map([
        ['eip155:84532', ADDRESS.toLowerCase()],
        ['eip155:137', '0x40c57923924b5c5c5455c48d93317139addac8fb'],
      ]),
    )
  })

  it('takes one address for an oracle on the first network', () => {
    const NETWORK = ['eip155:8453', 'eip155:137']
    const RPC_URL = Object.fromEntries(NETWORK.map((id) => [id, `https://${id.slice(7)}.example`]))
    expect(screeningOf({ NETWORK, RPC_URL, SCREENING: { oracle: ADDRESS } })?.oracles).toEqual(
      new Map([['eip155:8453', ADDRESS.toLowerCase()]]),
    )
  })

  it('takes the own lists of the operator, as one address, a list or JSON', () => {
    const deny = new Set([ADDRESS.toLowerCase()])
    for (const SCREEN_DENY of [ADDRESS, [ADDRESS], JSON.stringify([ADDRESS])])
      expect(screeningOf({ SCREEN_DENY })).toMatchObject({ own: { deny }, oracles: new Map(), lists: [] })
  })

  it.each([
    [{ SCREENING: { oracle: true } }, 'RPC_URL must be set: SCREENING has an oracle'],
    [
      { NETWORK: ['eip155:84532', 'eip155:8453'], RPC_URL: NODE_OF_A_TESTNET, SCREENING: { oracle: true } },
      'RPC_URL must be set for eip155:8453: SCREENING has an oracle',
    ],
    [{ SCREENING: { lists: 'https://lists.example/' } }, 'LISTS must be bound: SCREENING has lists'],
    [
      { NETWORK: 'eip155:84532', ...BOUND, SCREENING: { oracle: true } },
      'SCREENING.oracle must be the address of an oracle: NETWORK lacks a public one',
    ],
    [{ SCREENING: { exact: 'shut' } }, 'SCREENING.exact must be "open" or "closed"'],
    [{ SCREENING: { payment: 'open' } }, /^SCREENING\.payment must be removed or renamed/],
    [{ ...BOUND, SCREENING: { lists: 'http://lists.example/' } }, /^SCREENING\.lists.* must be/],
    [{ ...BOUND, SCREENING: { oracle: 'yes' } }, /^SCREENING\.oracle.* must be true/],
    [{ ...BOUND, SCREENING: { oracle: { 'eip155:1': 'yes' } } }, /^SCREENING\.oracle.* must be/],
    [
      {
        NETWORK: ['eip155:8453', 'eip155:137'],
        RPC_URL: { 'eip155:8453': 'https://node.example' },
        SCREENING: { oracle: { 'eip155:8453': true, 'eip155:137': true } },
      },
      'RPC_URL must be set for eip155:137: SCREENING has an oracle',
    ],
    [{ SCREEN_DENY: '0x12' }, /^SCREEN_DENY.* must be an address/],
  ])('rejects %j', (vars, problem) => {
    expect(problemsOf(vars)).toEqual([typeof problem === 'string' ? problem : expect.stringMatching(problem)])
  })
})
