/** The settings of screening: their schemas, and the part of the config built from them. */
import * as v from 'valibot'
import type { Policy } from '../paywall/policy.ts'
import type { ConfigProblem, Expected } from '../platform/problem.ts'
import { list, onlyKeys, readWith, unpack } from '../platform/schema.ts'
import { type Address, isHex } from '../protocol/evm/hex.ts'
import { SCREENED_ACTS } from '../protocol/screening.ts'
import { ORACLES } from '../screening/oracle.ts'
import { DEFAULT_FAILING, type Failing, type OwnList } from '../screening/screen.ts'
import { byNetwork, isByNetwork, valueOn } from './by-network.ts'
import { url } from './fields.ts'
import type { networkSettings } from './network.ts'

/** The sources that are asked about an address, and how each act fails where they do not know. */
export type ScreeningConfig = {
  own: OwnList
  /** The oracle of each network (CAIP-2) that has one and a node. The first is asked for every other network. */
  oracles: ReadonlyMap<string, Address>
  /** URLs of text files with an address per line. */
  lists: readonly string[]
  failing: Failing
}

const MAX_LISTS = 4
const MAX_OWN = 1000

const ADDRESS = { want: 'an address: 0x and 40 hex digits', example: '"0x2096…287C"' }
const ORACLE = { want: 'must be true, or the address of an oracle' }
const FAILING = { want: '"open" or "closed"', example: '"closed"' }

/** How each setting of screening must look. */
export const SCREENING_EXPECTED = {
  SCREENING: {
    want: 'a table of oracle, lists, and "open" or "closed" for single acts',
    example: '{ oracle = true, lists = ["https://lists.example.com/addresses.txt"] }',
  },
  'SCREENING.oracle': {
    want: 'true for the public oracle of each network, the address of one, or a table of these by network',
    example: 'true',
  },
  'SCREENING.lists': {
    want: `1 to ${MAX_LISTS} https URLs of text files with an address per line`,
    example: '["https://lists.example.com/addresses.txt"]',
  },
  'SCREENING.deposit': FAILING,
  'SCREENING.voucher': FAILING,
  'SCREENING.exact': FAILING,
  'SCREENING.invoice': FAILING,
  'SCREENING.refund': FAILING,
  'SCREENING.claim': FAILING,
  'SCREENING.sweep': FAILING,
  SCREEN_ALLOW: ADDRESS,
  SCREEN_DENY: ADDRESS,
} as const satisfies Record<string, Expected>

const address = readWith((text) => (isHex(text, 20) ? { value: text.toLowerCase() as Address } : null))
const own = v.pipe(list(address), v.maxLength(MAX_OWN, `must have at most ${MAX_OWN} addresses`))
const failing = v.exactOptional(v.picklist(['open', 'closed']))

/** The schemas of the settings of screening, by name. */
export const screeningSettings = {
  SCREENING: v.optional(
    v.pipe(
      v.unknown(),
      v.transform(unpack),
      v.looseObject({
        oracle: v.exactOptional(byNetwork(v.union([v.literal(true), address], ORACLE.want))),
        lists: v.exactOptional(v.pipe(list(url), v.maxLength(MAX_LISTS))),
        deposit: failing,
        voucher: failing,
        exact: failing,
        invoice: failing,
        refund: failing,
        claim: failing,
        sweep: failing,
      }),
      onlyKeys(['oracle', 'lists', ...SCREENED_ACTS]),
    ),
  ),
  SCREEN_ALLOW: v.optional(own),
  SCREEN_DENY: v.optional(own),
}

type Settings = v.InferOutput<v.ObjectSchema<typeof screeningSettings, undefined>> &
  Pick<v.InferOutput<v.ObjectSchema<typeof networkSettings, undefined>>, 'RPC_URL'>

/** The screening part of the config; undefined where no source is set, so that nothing is asked. */
export function screeningConfig(
  settings: Settings,
  networks: Policy['networks'],
): ScreeningConfig | undefined {
  const { SCREENING: table, SCREEN_ALLOW: allow = [], SCREEN_DENY: deny = [] } = settings
  if (!table && deny.length === 0) return undefined
  const { oracle: _, lists = [], ...acts } = table ?? {}
  return {
    own: { allow: new Set(allow), deny: new Set(deny) },
    oracles: new Map(oraclesOf(settings, networks).filter(([id]) => hasNode(settings, id))),
    lists,
    failing: { ...DEFAULT_FAILING, ...acts },
  }
}

/** The oracles that are set, by network, whether a node can ask them or not. One address alone is on the first network. */
function oraclesOf({ SCREENING }: Settings, networks: Policy['networks']): [string, Address][] {
  const oracle = SCREENING?.oracle
  const [first] = networks
  return networks.flatMap(({ id }): [string, Address][] => {
    const set =
      isByNetwork(oracle) || valueOn(oracle, id) === true || id === first.id ? valueOn(oracle, id) : undefined
    const address = set === true ? ORACLES.get(id) : set
    return address ? [[id, address]] : []
  })
}

function hasNode({ RPC_URL }: Settings, network: string): boolean {
  return valueOn(RPC_URL, network) !== undefined
}

/** Sources that cannot be asked: a network without an oracle, no node, no store for the lists. */
export function screeningProblems(
  settings: Settings,
  networks: Policy['networks'] | undefined,
  isSet: (place: string) => boolean,
): ConfigProblem[] {
  const { oracle, lists } = settings.SCREENING ?? {}
  const set = oracle && networks && oraclesOf(settings, networks)
  const unnamed =
    isByNetwork(oracle) && [...oracle.on].some(([id, value]) => value === true && !ORACLES.has(id))
  const mute = set?.find(([id]) => !hasNode(settings, id))?.[0]
  const problems: [boolean, ConfigProblem][] = [
    [
      set?.length === 0 || unnamed,
      {
        place: 'SCREENING.oracle',
        message: 'must be the address of an oracle: NETWORK lacks a public one',
        example: ADDRESS.example,
      },
    ],
    [
      // Threat: without a node for the oracle there would be nothing to ask, and every address would pass.
      mute !== undefined && (isByNetwork(oracle) || !set?.some(([id]) => hasNode(settings, id))),
      {
        place: 'RPC_URL',
        message: `must be set${isSet('RPC_URL') ? ` for ${mute}` : ''}: SCREENING has an oracle`,
        example: '"https://node.example.com"',
      },
    ],
    [
      lists !== undefined && !isSet('LISTS'),
      {
        place: 'LISTS',
        message: 'must be bound: SCREENING has lists',
        example: '[[kv_namespaces]] binding = "LISTS"',
      },
    ],
  ]
  return problems
    .filter(([holds]) => holds)
    .map(([, { place, message, example }]) => ({ place, message, ...(example && { example }) }))
}
