/** Settings that may differ by network. */
import { describe, expect, it } from 'vitest'
import { type Config, describeProblems, readConfig } from '../../src/config/config.ts'

const ENV = {
  ORIGIN: 'https://origin.example',
  RECEIVER: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
  PRICE: '0.001',
  RELAYER_KEY: `0x${'11'.repeat(32)}`,
  BOOK: {},
}

function read(vars: object): Config {
  const result = readConfig({ ...ENV, ...vars })
  if (!result.ok) throw new Error(describeProblems(result.problems))
  return result.config
}

function problemsOf(vars: object): string[] {
  const result = readConfig({ ...ENV, ...vars })
  return result.ok ? [] : result.problems.map(({ place, message }) => `${place} ${message}`)
}

describe('readConfig with several networks', () => {
  const [BASE, POLYGON, ETHEREUM] = ['eip155:8453', 'eip155:137', 'eip155:1']
  const RPC_URL = { [BASE]: 'https://base.example', [POLYGON]: 'https://polygon.example' }

  it('reads nodes and gas by network, in the order of NETWORK', () => {
    const { networks, policy } = read({
      NETWORK: [POLYGON, BASE],
      RPC_URL: JSON.stringify(RPC_URL),
      NATIVE_PRICE: { [BASE]: '3000', [POLYGON]: '0.25' },
      MIN_CLAIM: '0.5',
    })
    expect(policy.networks.map(({ id }) => id)).toEqual([POLYGON, BASE])
    expect(networks).toMatchObject([
      {
        chain: { chainId: 137, rpcUrl: 'https://polygon.example' },
        gas: { nativePrice: 250_000n, minClaim: 500_000n },
      },
      { chain: { chainId: 8453, rpcUrl: 'https://base.example' }, gas: { nativePrice: 3_000_000_000n } },
    ])
    // A claim on Polygon costs more of its own token than one on Base of ether.
    expect(networks[0]?.gas.reserve).toBeGreaterThan(networks[1]?.gas.reserve ?? 0n)
  })

  it('settles a network that only RPC_URL names, and offers it no more', () => {
    const { networks, policy } = read({ NETWORK: BASE, RPC_URL })
    expect(policy.networks.map(({ id }) => id)).toEqual([BASE])
    expect(networks.map(({ network }) => network.id)).toEqual([BASE, POLYGON])
  })

  it('gives a facilitator to one network alone', () => {
    const FACILITATOR_URL = { [POLYGON]: 'https://f.example' }
    const { networks } = read({
      NETWORK: [BASE, POLYGON],
      RPC_URL: { [BASE]: RPC_URL[BASE] },
      FACILITATOR_URL,
      SCHEMES: 'exact',
    })
    expect(networks.map(({ facilitator }) => facilitator?.url)).toEqual([undefined, 'https://f.example'])
  })

  it.each([
    [{ RPC_URL: 'https://one.example' }, 'RPC_URL must be a table by network: there are several'],
    [{ RPC_URL: { [BASE]: RPC_URL[BASE] } }, 'RPC_URL.eip155:137 must be set for scheme "channel"'],
    [
      { RPC_URL: { ...RPC_URL, 'eip155:5': 'https://x.example' } },
      'RPC_URL.eip155:5 must be removed or renamed',
    ],
    [{ NETWORK: [BASE, BASE] }, 'NETWORK must name each network once'],
    [
      { NATIVE_PRICE: '3000' },
      'NATIVE_PRICE must be a table by network: the networks pay for gas in ETH, POL',
    ],
    [
      { FACILITATOR_URL: { [BASE]: 'https://f.example' }, FACILITATOR_AUTH: '{"settle":{"a":"b"}}' },
      'FACILITATOR_AUTH must be a table by network',
    ],
    [
      { NETWORK: ETHEREUM, RPC_URL: 'https://e.example', SCHEMES: 'channel' },
      'SCHEMES must have a scheme that is possible on a network of NETWORK',
    ],
  ])('rejects %j', (vars, message) => {
    const problems = problemsOf({ NETWORK: [BASE, POLYGON], RPC_URL, ...vars })
    expect(problems).toContainEqual(expect.stringContaining(message))
  })
})
