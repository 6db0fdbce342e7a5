/** A site's terms as they are written in `[vars]`, read into a policy, or into every fault they have. */
import { keccak_256 } from '@noble/hashes/sha3.js'
import * as v from 'valibot'
import { compileWho, faultOfWho } from '../paywall/asker.ts'
import { compilePattern } from '../paywall/pattern.ts'
import type { Decision, Origin, Policy, Rule } from '../paywall/policy.ts'
import { type Address, isHex, toHex } from '../protocol/evm/hex.ts'
import { networks } from '../protocol/evm/network.ts'
import { DEFAULT_SCHEMES, SCHEME_NAMES, SCHEMES, type SchemeName } from '../schemes/index.ts'
import { type Fault, faultsOf } from './problem.ts'
import { isTable, list, onlyKeys, readWith, unpack, usd } from './schema.ts'

/** What each term should be. `docs/policy.md` says it at length. */
const WANTS = {
  ORIGIN: 'the URL of the protected server without a path, "binding:NAME" for a service binding, or "self"',
  RECEIVER: 'the address that is paid: 0x and 40 hex digits, as the wallet shows it',
  NETWORK: `one of ${[...networks.keys()].join(', ')}`,
  PRICE: 'USD as a quoted decimal, at least "0.000001"',
  SCHEMES: 'a list of "channel", "exact", "credit", the preferred one first and "credit" after "channel"',
  RULES: 'a list of rules with the terms path, method, who, action, price, schemes',
  SITEMAP: 'a path pattern such as "/sitemap*.xml", or a list of them',
  NAME: 'at most 32 printable ASCII characters',
  DESCRIPTION: 'at most 200 bytes of text in one line',
  path: 'a pattern such as "/articles/*"',
  method: 'GET, POST, PUT, PATCH, DELETE, or a list of them (HEAD goes with GET)',
  who: '"crawlers", "readers", "everyone", a class ("search", "training", "assistant", "other"), the name of a known crawler, "agent:NAME" for any other, or a list of these',
  action: '"charge", "allow" or "block"',
  price: 'USD as a quoted decimal, at least "0.000001", and only with action "charge"',
  schemes: 'a list of "channel", "exact", "credit" (after "channel"), and only with action "charge"',
}

const RULE_TERMS = ['path', 'method', 'who', 'action', 'price', 'schemes']
/** The names of all terms. */
export const POLICY_TERMS = Object.keys(WANTS).filter((term) => !RULE_TERMS.includes(term))

const schemes = v.pipe(
  list(v.picklist(SCHEME_NAMES, 'is no scheme')),
  v.check((names) => new Set(names).size === names.length, 'names a scheme twice'),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return
    for (const name of SCHEME_NAMES) {
      const { after } = SCHEMES[name]
      if (after && isBefore(name, after, dataset.value))
        addIssue({ message: `has "${name}" before "${after}"` })
    }
  }),
)

const pattern = readWith((text) => {
  const covers = compilePattern(text)
  return covers ? { value: { covers, text } } : 'is no path pattern'
})

const rule = v.pipe(
  v.looseObject(
    {
      path: v.optional(pattern),
      method: v.optional(
        list(v.picklist(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'], 'is no method of a rule')),
      ),
      who: v.optional(list(readWith((word) => faultOfWho(word) ?? { value: word })), ['crawlers']),
      action: v.picklist(['charge', 'allow', 'block'], 'is no action'),
      price: v.optional(usd),
      schemes: v.optional(schemes),
    },
    'is no rule',
  ),
  onlyKeys(RULE_TERMS),
  v.rawCheck(({ dataset, addIssue }) => {
    const input: unknown = dataset.value
    if (!isTable(input) || (input.action !== 'allow' && input.action !== 'block')) return
    for (const key of ['price', 'schemes']) {
      const value = input[key]
      if (value === undefined) continue
      addIssue({
        message: 'has no meaning here',
        path: [{ type: 'object', origin: 'value', input, key, value }],
      })
    }
  }),
)

const policy = v.pipe(
  v.looseObject(
    {
      ORIGIN: readWith(readOrigin),
      RECEIVER: readWith(readReceiver),
      NETWORK: readWith((id) => {
        const network = networks.get(id)
        return network ? { value: network } : 'is no known network'
      }),
      PRICE: usd,
      SCHEMES: v.optional(schemes, DEFAULT_SCHEMES),
      RULES: v.optional(v.pipe(v.unknown(), v.transform(unpack), v.array(rule, 'is not a list')), []),
      SITEMAP: v.optional(list(pattern), ['/sitemap*.xml', '/sitemap*.xml.gz']),
      NAME: v.optional(readWith((text) => fits(text, /^[ -~]+$/, 32))),
      DESCRIPTION: v.optional(readWith((text) => fits(text, /^\P{Cc}+$/u, 200))),
    },
    'is no table of terms',
  ),
  onlyKeys(POLICY_TERMS),
  v.forward(
    v.partialCheck(
      [['RECEIVER'], ['NETWORK']],
      ({ RECEIVER, NETWORK }) =>
        ![NETWORK.usdc.address, NETWORK.escrow, NETWORK.collector].includes(RECEIVER),
      'is a contract of the network, and what it is paid is lost',
    ),
    ['RECEIVER'],
  ),
)

/**
 * Reads the terms of one site: ORIGIN, RECEIVER, NETWORK, PRICE, SCHEMES, RULES, SITEMAP, NAME, DESCRIPTION. Lists may be
 * JSON texts. Unknown terms are faults, and all faults are found at once.
 */
export function parsePolicy(input: unknown): { ok: true; policy: Policy } | { ok: false; faults: Fault[] } {
  const result = v.safeParse(policy, input)
  if (!result.success) return { ok: false, faults: faultsOf(result.issues, WANTS) }
  const { ORIGIN, RECEIVER, NETWORK, PRICE, SCHEMES, RULES, SITEMAP, NAME, DESCRIPTION } = result.output
  const fallback: Decision = {
    action: 'charge',
    price: PRICE,
    schemes: SCHEMES,
    rule: 'default',
    why: 'no rule names it, and crawlers pay',
  }
  return {
    ok: true,
    policy: {
      origin: ORIGIN,
      receiver: RECEIVER,
      network: NETWORK,
      rules: RULES.map((written, index) => compileRule(written, index, fallback)),
      fallback,
      sitemaps: SITEMAP.map(({ covers }) => covers),
      name: NAME,
      description: DESCRIPTION,
    },
  }
}

/** The schemes a site means to offer, as far as faulty terms show: what those need is a fault beside the others. */
export function schemesMeant(input: Record<string, unknown>): ReadonlySet<SchemeName> {
  const result = v.safeParse(schemes, input.SCHEMES ?? DEFAULT_SCHEMES)
  return new Set(result.success ? result.output : [])
}

function compileRule(written: v.InferOutput<typeof rule>, index: number, fallback: Decision): Rule {
  const { path, method, who, action } = written
  const charged = action === 'charge'
  return {
    covers: path?.covers,
    methods: method && new Set(method),
    asks: compileWho(who),
    decision: {
      action,
      price: charged ? (written.price ?? fallback.price) : 0n,
      schemes: charged ? (written.schemes ?? fallback.schemes) : [],
      rule: index,
      why: `RULES[${index}]: ${action} ${who.join(', ')}${path ? ` on ${path.text}` : ''}`,
    },
  }
}

function readOrigin(text: string): { value: Origin } | string {
  if (text === 'self') return { value: { kind: 'self' } }
  const [, name] = /^binding:([A-Za-z_][A-Za-z0-9_]*)$/.exec(text) ?? []
  if (name !== undefined) return { value: { kind: 'binding', name } }
  const url = URL.parse(text)
  if (!url || !/^https?:$/.test(url.protocol)) return 'is no http(s) URL'
  if (url.username || url.password) return 'carries a password'
  if (url.pathname !== '/' || url.search || url.hash) return 'has a path or a query'
  return { value: { kind: 'url', url } }
}

function readReceiver(text: string): { value: Address } | string {
  if (!isHex(text, 20)) return 'is no address'
  const address = text.toLowerCase() as Address
  if (/^0x0+$/.test(address)) return 'is the zero address'
  const digits = text.slice(2)
  const mixed = digits !== digits.toLowerCase() && digits !== digits.toUpperCase()
  return mixed && text !== checksummed(address)
    ? 'has a wrong checksum: a digit is mistyped'
    : { value: address }
}

function isBefore(one: string, other: string, names: readonly string[]): boolean {
  return names.includes(one) && names.indexOf(one) < names.indexOf(other)
}

/** ERC-55. */
function checksummed(address: Address): string {
  const hash = toHex(keccak_256(new TextEncoder().encode(address.slice(2))))
  const digits = [...address.slice(2)]
  return `0x${digits.map((digit, at) => ((hash[at + 2] ?? '0') >= '8' ? digit.toUpperCase() : digit)).join('')}`
}

/** The 402 header holds 2 KB at most, so what every offer repeats has to be short. */
function fits(text: string, shape: RegExp, bytes: number): { value: string } | string {
  if (!shape.test(text)) return 'is empty or has characters that do not print'
  return new TextEncoder().encode(text).length <= bytes ? { value: text } : 'is too long'
}
