/** The settings of networks: their nodes, their facilitators and their gas. */
import * as v from 'valibot'
import { ChainFault } from '../chain/fault.ts'
import type { Chain } from '../chain/rpc.ts'
import type { Policy } from '../paywall/policy.ts'
import type { ConfigProblem, Expected } from '../platform/problem.ts'
import { unpack } from '../platform/schema.ts'
import { type Network, networks } from '../protocol/evm/network.ts'
import { SCHEMES, type SchemeName } from '../schemes/index.ts'
import { byNetwork, isByNetwork, valueOn } from './by-network.ts'
import { integer, isLocal, url, urls } from './fields.ts'
import { type GasConfig, gasConfig, gasSettings } from './gas.ts'

/** One network of a deployment. */
export type NetworkConfig = {
  network: Network
  /** Present with RPC_URL. */
  chain: Chain | undefined
  /** Present with FACILITATOR_URL, which then settles `exact`. Headers by endpoint. */
  facilitator: { url: string; headers: FacilitatorHeaders } | undefined
  /** The gas that our relayer may spend, and the least amounts that are worth it. */
  gas: GasConfig
  /** How long a call waits for a block, and how often open transactions are looked at; the relayer's default without it. */
  relayerWaitMs: number | undefined
}

type FacilitatorHeaders = Partial<Record<'verify' | 'settle' | 'supported', Record<string, string>>>

/** How each of these settings must look. */
export const NETWORK_EXPECTED = {
  RPC_URL: {
    want: 'the https URL of a node of NETWORK (http only on this machine), or up to 4 with commas between',
    example: '"https://node.example.com,https://other.example.net"',
  },
  MAX_HEAD_AGE_SECONDS: { want: '0 (any age) to 86400 seconds', example: '60' },
  RELAYER_WAIT_MS: { want: '100 to 60000', example: '15000' },
  FACILITATOR_URL: {
    want: 'the https URL of an x402 facilitator',
    example: '"https://facilitator.example.com"',
  },
  FACILITATOR_AUTH: {
    want: 'a table of headers for the endpoints verify, settle and supported',
    example: '{"settle":{"authorization":"Bearer …"}}',
  },
} as const satisfies Record<string, Expected>

const NOT_HEADERS = 'must be a table of headers'
const headers = v.record(
  v.string(),
  v.pipe(v.string(NOT_HEADERS), v.regex(/^[ -~]+$/, 'must be printable ASCII characters')),
  NOT_HEADERS,
)

const auth = v.pipe(
  v.unknown(),
  v.transform(unpack),
  v.strictObject({
    verify: v.exactOptional(headers),
    settle: v.exactOptional(headers),
    supported: v.exactOptional(headers),
  }),
)

/** The schemas of the settings of networks, by name. */
export const networkSettings = {
  RPC_URL: v.optional(byNetwork(urls)),
  MAX_HEAD_AGE_SECONDS: v.optional(byNetwork(integer(0, 86_400))),
  RELAYER_WAIT_MS: v.optional(byNetwork(integer(100, 60_000))),
  FACILITATOR_URL: v.optional(byNetwork(url)),
  FACILITATOR_AUTH: v.optional(byNetwork(auth)),
  ...gasSettings,
}

type Settings = v.InferOutput<v.ObjectSchema<typeof networkSettings, undefined>>

/**
 * The networks of a deployment: those that are offered, in their order, then those that only RPC_URL or FACILITATOR_URL
 * names. Debts of payers there are still settled.
 */
export function networkConfigs(offered: readonly Network[], settings: Settings): NetworkConfig[] {
  const { RPC_URL, FACILITATOR_URL } = settings
  const named = [RPC_URL, FACILITATOR_URL].flatMap((setting) =>
    isByNetwork(setting) ? [...setting.on.keys()] : [],
  )
  const all = new Set([...offered, ...named.flatMap((id) => networks.get(id) ?? [])])
  return [...all].map((network) => networkConfig(network, settings))
}

function networkConfig(network: Network, settings: Settings): NetworkConfig {
  const { id, chainId, usdc, escrow, collector } = network
  const nodes = valueOn(settings.RPC_URL, id)
  const facilitator = valueOn(settings.FACILITATOR_URL, id)
  const headers = valueOn(settings.FACILITATOR_AUTH, id) ?? {}
  const contracts = { token: usdc.address, escrow, collector }
  const maxAge = valueOn(settings.MAX_HEAD_AGE_SECONDS, id)
  return {
    network,
    chain: nodes && { network: id, chainId, ...contracts, ...nodesOf(nodes, maxAge) },
    facilitator: facilitator === undefined ? undefined : { url: facilitator, headers },
    gas: gasConfig(network, settings),
    relayerWaitMs: valueOn(settings.RELAYER_WAIT_MS, id),
  }
}

/** The nodes of a chain. A local chain mines on demand, so its head may be of any age. */
function nodesOf([rpcUrl, ...fallbackUrls]: readonly [string, ...string[]], maxAge: number | undefined) {
  const isLocalChain = [rpcUrl, ...fallbackUrls].every(isLocal)
  const maxHeadAgeSeconds = maxAge ?? (isLocalChain ? 0 : 60)
  return { rpcUrl, maxHeadAgeSeconds, ...(fallbackUrls.length > 0 && { fallbackUrls }) }
}

/** Settings that cannot be the same on several networks. */
export function networkProblems(offered: readonly Network[], settings: Settings): ConfigProblem[] {
  const { RPC_URL, FACILITATOR_URL, FACILITATOR_AUTH, NATIVE_PRICE } = settings
  const all = networkConfigs(offered, settings)
  const natives = new Set(all.map(({ network }) => network.native))
  const wrong: [place: string, holds: boolean, why: string, values: [string, string]][] = [
    ['RPC_URL', !RPC_URL || isByNetwork(RPC_URL) || all.length === 1, 'there are several', NODES],
    [
      'FACILITATOR_AUTH',
      !FACILITATOR_AUTH || isByNetwork(FACILITATOR_AUTH) || !isByNetwork(FACILITATOR_URL),
      'FACILITATOR_URL is one, and no facilitator may read the headers for another',
      AUTHS,
    ],
    [
      'NATIVE_PRICE',
      !NATIVE_PRICE || isByNetwork(NATIVE_PRICE) || natives.size <= 1,
      `the networks pay for gas in ${[...natives].join(', ')}`,
      PRICES,
    ],
  ]
  return wrong.flatMap(([place, holds, why, [one, other]]) =>
    holds
      ? []
      : [
          {
            place,
            message: `must be a table by network: ${why}`,
            example: `{"eip155:8453":${one},"eip155:137":${other}}`,
          },
        ],
  )
}

const NODES: [string, string] = ['"https://node.example.com"', '"https://other.example.net"']
const AUTHS: [string, string] = [
  '{"settle":{"authorization":"Bearer …"}}',
  '{"settle":{"authorization":"Bearer …"}}',
]
const PRICES: [string, string] = ['"3000"', '"0.25"']

/**
 * The differences between each network and its chain, as a node of RPC_URL has it. A node that does not respond is a problem too.
 */
export async function chainProblems(networks: readonly NetworkConfig[]): Promise<ConfigProblem[]> {
  const { differencesOn } = await import('../chain/network-check.ts')
  const checks = networks.map(async ({ network, chain }) => {
    if (!chain) return []
    const place = networks.length > 1 ? `RPC_URL.${network.id}` : 'RPC_URL'
    const said = await differencesOn(chain, network).catch((fault) => {
      if (fault instanceof ChainFault) return [`must answer: ${fault.message}`]
      throw fault
    })
    return said.map((difference) => ({ place, message: `must serve ${network.title}: it ${difference}` }))
  })
  return (await Promise.all(checks)).flat()
}

/** Networks on which no scheme of the site can be offered, and lists of schemes that can be offered on no network. */
export function standingProblems({ networks: offered, rules, fallback }: Policy): ConfigProblem[] {
  const stands = (name: SchemeName, network: Network) => SCHEMES[name].standsOn?.(network) !== false
  const decisions = [fallback, ...rules.map(({ decision }) => decision)].filter(
    ({ action }) => action === 'charge',
  )
  const useless = offered.filter(
    (network) => !decisions.some(({ schemes }) => schemes.some((name) => stands(name, network))),
  )
  const unsold = decisions.filter(
    ({ schemes }) => !schemes.some((name) => offered.some((network) => stands(name, network))),
  )
  return [
    ...useless.map(({ title }) => ({
      place: 'NETWORK',
      message: `must be a network with an escrow, or SCHEMES must have "exact": channels are not possible on ${title}`,
    })),
    ...unsold.map(({ rule }) => ({
      place: typeof rule === 'number' ? `RULES[${rule}].schemes` : 'SCHEMES',
      message: 'must have a scheme that is possible on a network of NETWORK, such as "exact"',
    })),
  ]
}
