/** The offers of a site on several networks: their order, and those that a header has room for. */
import { describe, expect, it } from 'vitest'
import type { Bindings } from '../../src/app/bindings.ts'
import { schemesOf } from '../../src/app/schemes.ts'
import { describeProblems, readConfig } from '../../src/config/config.ts'
import { offersOf } from '../../src/paywall/offers.ts'
import type { PaymentRequired } from '../../src/protocol/x402/types.ts'

const ALL = ['eip155:8453', 'eip155:84532', 'eip155:137', 'eip155:42161', 'eip155:43114', 'eip155:1']

/** The names of the offers that are made, and of those in the header. */
function offered(NETWORK: string[], vars: object = {}, url = 'https://news.example/') {
  const env = {
    ORIGIN: 'https://origin.example',
    RECEIVER: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
    PRICE: '0.01',
    RELAYER_KEY: `0x${'11'.repeat(32)}`,
    RPC_URL: Object.fromEntries(NETWORK.map((id) => [id, `https://${id.slice(7)}.node.example`])),
    NETWORK,
    BOOK: {},
    ...vars,
  }
  const read = readConfig(env)
  if (!read.ok) throw new Error(describeProblems(read.problems))
  const { policy } = read.config
  const offers = offersOf(policy, policy.fallback, schemesOf(env as unknown as Bindings, read.config))
  const write = (reason: 'payment_required' | 'deposit_authorization') => offers.write(url, { reason })
  const headerOf = ({ headers }: ReturnType<typeof write>) => new Map(headers).get('payment-required') ?? ''
  const header = headerOf(write('payment_required'))
  const { accepts, resource } = JSON.parse(atob(header)) as PaymentRequired
  const nameOf = ({ scheme, network }: { scheme: string; network: string }) =>
    `${scheme === 'exact' ? scheme : 'channel'} ${network.startsWith('eip155:') ? network.slice(7) : 'operator'}`
  const refused = headerOf(write('deposit_authorization'))
  return {
    made: offers.made.map(({ terms }) => nameOf(terms)),
    inHeader: accepts.map(nameOf),
    length: Math.max(header.length, refused.length),
    url: resource.url,
    body: JSON.parse(write('payment_required').body()) as { accepts: { network: string }[] },
  }
}

describe('The offers of a site on several networks', () => {
  it('stand network by network, and within each in the order of SCHEMES', () => {
    const { made } = offered(['eip155:137', 'eip155:8453'], { SCHEMES: ['exact', 'channel'] })
    expect(made).toEqual(['exact 137', 'channel 137', 'exact 8453', 'channel 8453'])
  })

  it('leave out channels where the escrow is missing', () => {
    expect(offered(['eip155:1', 'eip155:8453']).made).toEqual(['exact 1', 'channel 8453', 'exact 8453'])
  })

  it('have credit behind the first channel, which clients of channels would take it for', () => {
    const object = {}
    const vars = {
      ...{ SCHEMES: ['channel', 'credit', 'exact'], REGISTRATION_URL: 'https://news.example/credit' },
      ...{ LINES: object, AGENTS: object, DIRECTORIES: object },
    }
    const { made, inHeader, length } = offered(['eip155:1', ...ALL.slice(0, 3)], vars)
    expect(made.slice(0, 4)).toEqual(['exact 1', 'channel 8453', 'channel operator', 'exact 8453'])
    expect(inHeader.slice(0, 3)).toEqual(made.slice(0, 3))
    expect(length).toBeLessThan(2_048)
  })

  it('are left out of a header that is too small, the last one first', () => {
    const { made, inHeader, length } = offered(ALL)
    expect(made).toHaveLength(11)
    expect(inHeader).toEqual(['channel 8453', 'exact 8453', 'channel 84532', 'exact 84532'])
    expect(length).toBeLessThan(2_048)
    expect(offered(ALL, { SCHEMES: 'exact' }).inHeader).toEqual(
      ALL.slice(0, 5).map((network) => `exact ${network.slice(7)}`),
    )
  })

  it('fit below 2,048 bytes for every choice of networks, with the longest name, description and URL', () => {
    const texts = { NAME: 'x'.repeat(32), DESCRIPTION: 'ö'.repeat(100), MAX_TIMEOUT_SECONDS: 3600 }
    const url = `https://${'long.'.repeat(10)}example/${'page/'.repeat(200)}?query=${'y'.repeat(500)}`
    for (let choice = 1; choice < 2 ** ALL.length; choice++) {
      const networks = ALL.filter((_, at) => (choice >> at) & 1)
      for (const SCHEMES of [['channel', 'exact'], ['exact']]) {
        const { made, inHeader, length } = offered(networks, { ...texts, SCHEMES }, url)
        expect(length).toBeLessThan(2_048)
        expect(inHeader).toEqual(made.slice(0, inHeader.length))
        expect(inHeader.some((name) => name.endsWith(networks[0]?.slice(7) ?? ''))).toBe(true)
      }
    }
  })

  it('keep room for the URL of a page', () => {
    const url = `https://news.example/${'page/'.repeat(20)}`
    expect(offered(ALL, {}, url).url).toBe(url)
  })

  it('stand in the body of x402 v1 on the networks that it has a name for', () => {
    expect(offered(ALL).body.accepts.map(({ network }) => network)).toEqual([
      'base',
      'base-sepolia',
      'polygon',
      'avalanche',
    ])
  })
})
