/** Reads a site's terms from `[vars]` into a policy, or into all their problems. */
import { keccak_256 } from '@noble/hashes/sha3.js'
import * as v from 'valibot'
import { compileSegments } from '../paywall/pattern.ts'
import type { Decision, Origin, Policy, Rule } from '../paywall/policy.ts'
import { passAddress } from '../paywall/terms/passes.ts'
import { type ConfigProblem, type Expected, problemsOf } from '../platform/problem.ts'
import { list, onlyKeys, readWith, unpack } from '../platform/schema.ts'
import { type Address, isHex, toHex } from '../protocol/evm/hex.ts'
import { networks } from '../protocol/evm/network.ts'
import { DEFAULT_SCHEMES, SCHEMES, type SchemeName } from '../schemes/index.ts'
import { TERMS_NAMES, type TermsName } from '../terms/names.ts'
import { CONTRACTS_EXPECTED, contractsOf, contractsTerm } from './contracts.ts'
import { DATES_EXPECTED, datesOf, datesTerm } from './dates.ts'
import { PRESET_NAMES, PRESETS, type PresetName } from './preset.ts'
import { compileRule, RULE_EXPECTED, rule } from './rule/index.ts'
import { passOf } from './rule/pass.ts'
import { schemeList } from './rule/schemes.ts'
import { usd } from './schema.ts'

/** How each term must look. `docs/policy.md` explains them. */
const EXPECTED: Readonly<Record<string, Expected>> = {
  ORIGIN: {
    want: '"zone", the URL of the protected server without a path, "binding:NAME" or "self"',
    example: '"zone"',
  },
  RECEIVER: {
    want: 'the address that receives payments: 0x and 40 hex digits',
    example: '"0x2096…287C"',
  },
  NETWORK: {
    want: `one of ${[...networks.keys()].join(', ')}, or a list of them, the preferred one first`,
    example: '"eip155:8453"',
  },
  PRICE: { want: 'USD in quotes, at least "0.000001"', example: '"0.002"' },
  SCHEMES: {
    want: 'a list of "channel", "exact" and "credit", the preferred one first',
    example: '["channel", "exact"]',
  },
  RULES: { want: 'a list of rules', example: '[{ action = "allow", path = "/free/*" }]' },
  PRESET: { want: PRESET_NAMES.map((name) => `"${name}"`).join(' or '), example: '"publisher"' },
  SITEMAP: { want: 'a path pattern or a list of them', example: '"/**/sitemap*.xml"' },
  PATHS: { want: '"strict" or "literal"', example: '"strict"' },
  TERMS: {
    want: `a list of ${TERMS_NAMES.map((name) => `"${name}"`).join(', ')}, or empty`,
    example: '["robots", "rsl", "tdm", "x402"]',
  },
  NAME: { want: '1 to 32 printable ASCII characters', example: '"Example News"' },
  DESCRIPTION: { want: '1 to 200 bytes of text in one line', example: '"News from Berlin"' },
  ...DATES_EXPECTED,
  ...CONTRACTS_EXPECTED,
  ...RULE_EXPECTED,
}

/** The names of all terms. */
export const POLICY_TERMS = Object.keys(EXPECTED).filter((term) => !term.includes('.'))

const network = readWith((id) => {
  const known = networks.get(id)
  return known ? { value: known } : null
})

const networkTerm = v.pipe(
  // One network alone is named by its own text: a problem of it is at NETWORK, not at NETWORK[0].
  v.lazy((value) =>
    typeof value === 'string' && !value.trimStart().startsWith('[')
      ? v.pipe(
          network,
          v.transform((one) => [one]),
        )
      : list(network),
  ),
  v.check((listed) => new Set(listed).size === listed.length, 'must name each network once'),
  v.transform(([first, ...others]): Policy['networks'] => {
    if (!first) throw new Error('a list must have an item')
    return [first, ...others]
  }),
)

const segments = readWith((text) => {
  const covers = compileSegments(text)
  return covers ? { value: covers } : null
})

/** Files that are named for a sitemap, in any folder; and XML below `/sitemaps`. */
const DEFAULT_SITEMAPS = ['/**/*sitemap*.xml', '/sitemaps/**/*.xml'].flatMap((path) => [path, `${path}.gz`])

const policy = v.pipe(
  v.looseObject({
    ORIGIN: readWith(readOrigin),
    RECEIVER: readWith(readReceiver),
    NETWORK: networkTerm,
    PRICE: usd,
    SCHEMES: v.optional(schemeList, DEFAULT_SCHEMES),
    RULES: v.optional(v.pipe(v.unknown(), v.transform(unpack), v.array(rule)), []),
    PRESET: v.optional(v.picklist(PRESET_NAMES), 'none'),
    SITEMAP: v.optional(list(segments), DEFAULT_SITEMAPS),
    DATES: v.optional(datesTerm),
    CONTRACTS: v.optional(contractsTerm),
    PATHS: v.optional(v.picklist(['strict', 'literal']), 'strict'),
    TERMS: v.optional(v.pipe(v.unknown(), v.transform(unpack), v.array(v.picklist(TERMS_NAMES))), []),
    NAME: v.optional(readWith((text) => fits(text, /^[ -~]+$/, 32))),
    DESCRIPTION: v.optional(readWith((text) => fits(text, /^\P{Cc}+$/u, 200))),
  }),
  onlyKeys(POLICY_TERMS),
  v.forward(
    v.partialCheck(
      [['RECEIVER'], ['NETWORK']],
      ({ RECEIVER, NETWORK }) =>
        NETWORK.every(({ usdc, escrow, collector }) => ![usdc.address, escrow, collector].includes(RECEIVER)),
      'must be your own address: payments to a contract of the network are lost',
    ),
    ['RECEIVER'],
  ),
  v.forward(
    v.partialCheck(
      [['RULES'], ['DATES']],
      ({ RULES, DATES }) => DATES !== undefined || RULES.every(({ age }) => age === undefined),
      'must be set: a rule has "age"',
    ),
    ['DATES'],
  ),
  v.forward(
    v.partialCheck(
      [['RULES'], ['SCHEMES']],
      ({ RULES, SCHEMES: offered }) =>
        RULES.every(({ final, schemes = offered }) => !final || schemes.some((name) => SCHEMES[name].lowers)),
      'must have a scheme besides "exact": a rule with "final" needs one',
    ),
    ['SCHEMES'],
  ),
  v.forward(
    v.partialCheck(
      [['RULES'], ['SCHEMES']],
      ({ RULES, SCHEMES: offered }) =>
        RULES.every(({ steps, schemes = offered }) => !steps || schemes.some((name) => SCHEMES[name].counts)),
      'must have "credit": a rule with "steps" needs it',
    ),
    ['SCHEMES'],
  ),
  v.forward(
    v.partialCheck(
      [['RULES']],
      ({ RULES }) => {
        const addresses = RULES.flatMap(({ pass }) => (pass ? [passAddress(pass.path)] : []))
        return new Set(addresses).size === addresses.length
      },
      'must have one pass for each path: two passes have the same address',
    ),
    ['RULES'],
  ),
  v.forward(
    v.partialCheck(
      [['RULES'], ['DATES'], ['ORIGIN']],
      ({ RULES, DATES, ORIGIN }) =>
        ORIGIN.kind !== 'self' || !(DATES?.origin || RULES.some(({ price }) => price === 'origin')),
      'must not be "self": a rule with price "origin" or DATES with origin asks a server by HEAD',
    ),
    ['ORIGIN'],
  ),
)

/**
 * Reads the terms of one site: ORIGIN, RECEIVER, NETWORK, PRICE, SCHEMES, RULES, PRESET, SITEMAP, PATHS, TERMS, NAME,
 * DESCRIPTION. Lists may be JSON text. Unknown terms are problems too. Reports all problems at once.
 */
export function parsePolicy(
  input: unknown,
):
  | { ok: true; policy: Policy; documents: ReadonlySet<TermsName> }
  | { ok: false; problems: ConfigProblem[] } {
  const result = v.safeParse(policy, input)
  if (!result.success) return { ok: false, problems: problemsOf(result.issues, EXPECTED) }
  const { ORIGIN, RECEIVER, NETWORK, PRICE, SCHEMES, RULES, PRESET, SITEMAP, PATHS, NAME, DESCRIPTION } =
    result.output
  const { DATES, CONTRACTS, TERMS } = result.output
  const dates = DATES && RULES.some(({ age }) => age !== undefined) ? datesOf(DATES) : undefined
  const fallback: Decision = {
    action: 'charge',
    price: PRICE,
    schemes: SCHEMES,
    rule: 'default',
    why: 'no rule names it, and crawlers pay',
  }
  const rules = RULES.map((written, at) =>
    compileRule(written, { place: at, title: `RULES[${at}]` }, fallback),
  )
  const passes = RULES.flatMap(({ pass }, rule) => {
    const decision = rules[rule]?.decision
    return pass && decision ? [passOf(pass, decision)] : []
  })
  return {
    ok: true,
    documents: new Set(TERMS),
    policy: {
      origin: ORIGIN,
      receiver: RECEIVER,
      networks: NETWORK,
      rules: [...rules, ...presetRules(PRESET, fallback)],
      fallback,
      sitemaps: SITEMAP,
      ...(dates && { dates }),
      ...(passes.length > 0 && { passes }),
      ...(CONTRACTS && { contracts: contractsOf(CONTRACTS) }),
      asksOrigin: dates?.asksOrigin === true || rules.some(({ decision }) => decision.byOrigin),
      paths: PATHS,
      name: NAME,
      description: DESCRIPTION,
    },
  }
}

function presetRules(name: PresetName, fallback: Decision): Rule[] {
  const written = v.parse(v.array(rule), PRESETS[name])
  return written.map((one) => compileRule(one, { place: 'preset', title: `PRESET "${name}"` }, fallback))
}

/**
 * The schemes that SCHEMES asks for, even if other terms are wrong: settings that the schemes need are then reported in
 * the same run.
 */
export function schemesAsked(input: Record<string, unknown>): ReadonlySet<SchemeName> {
  const result = v.safeParse(schemeList, input.SCHEMES ?? DEFAULT_SCHEMES)
  return new Set(result.success ? result.output : [])
}

function readOrigin(text: string): { value: Origin } | string | null {
  if (text === 'self' || text === 'zone') return { value: { kind: text } }
  const [, name] = /^binding:([A-Za-z_][A-Za-z0-9_]*)$/.exec(text) ?? []
  if (name !== undefined) return { value: { kind: 'binding', name } }
  const url = URL.parse(text)
  if (!url || !/^https?:$/.test(url.protocol)) return null
  if (url.username || url.password) return 'must be a URL without user name and password'
  if (url.pathname !== '/' || url.search || url.hash) return 'must be a URL without a path or query'
  return { value: { kind: 'url', url } }
}

function readReceiver(text: string): { value: Address } | string | null {
  if (!isHex(text, 20)) return null
  const address = text.toLowerCase() as Address
  if (/^0x0+$/.test(address)) return 'must be your own address, not the zero address'
  const digits = text.slice(2)
  const mixed = digits !== digits.toLowerCase() && digits !== digits.toUpperCase()
  return mixed && text !== checksummed(address)
    ? 'must have a valid checksum: a digit is mistyped'
    : { value: address }
}

/** ERC-55. */
function checksummed(address: Address): string {
  const hash = toHex(keccak_256(new TextEncoder().encode(address.slice(2))))
  const digits = [...address.slice(2)]
  return `0x${digits.map((digit, at) => ((hash[at + 2] ?? '0') >= '8' ? digit.toUpperCase() : digit)).join('')}`
}

/** Checks text that every offer repeats. It must be short, because the 402 header holds at most 2 KB. */
function fits(text: string, shape: RegExp, bytes: number): { value: string } | null {
  return shape.test(text) && new TextEncoder().encode(text).length <= bytes ? { value: text } : null
}
