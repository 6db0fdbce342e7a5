/** The Worker's vars and secrets, read once: into a config, or into every fault they have. Nothing else reads them. */
import * as v from 'valibot'
import type { Chain } from '../chain/rpc.ts'
import { type Policy, policySchemes } from '../paywall/policy.ts'
import { type Address, type Hex, isHex } from '../protocol/evm/hex.ts'
import { addressOf } from '../protocol/evm/secp256k1.ts'
import { SCHEME_NAMES, SCHEMES, type SchemeName } from '../schemes/index.ts'
import { BILL_WANTS, type BillConfig, billConfig, billFaults, billSettings } from './billing.ts'
import { CREDIT_WANTS, type CreditConfig, creditConfig, creditSettings } from './credit.ts'
import { integer, shaped, url } from './fields.ts'
import { POLICY_TERMS, parsePolicy, schemesMeant } from './policy.ts'
import { type Fault, faultsOf } from './problem.ts'
import { readWith, unpack, usd } from './schema.ts'

export { describeFaults, type Fault } from './problem.ts'

export type Config = {
  policy: Policy
  /** Present with RPC_URL. */
  chain: Chain | undefined
  /** Present with RELAYER_KEY. The address is the channels' receiver authorizer and pays for gas. */
  relayer: { key: Hex; address: Address } | undefined
  /** Present with FACILITATOR_URL, which then settles `exact`. Headers by endpoint. */
  facilitator: { url: string; headers: FacilitatorHeaders } | undefined
  /** Sent to the origin, which can refuse everybody else. */
  originSecret: string | undefined
  /** SHA-256 of the operator's token, 64 hex digits in lower case. */
  operatorTokenSha256: string | undefined
  /** Seconds a payer waits between asking for the escrow back and getting it. A change makes new channels. */
  withdrawDelay: number
  /** The least deposit, in atomic units. */
  minDeposit: bigint
  /** The most that one channel may owe unclaimed, in atomic units. */
  maxUnclaimed: bigint
  /** Seconds that an offer, and a replay of what it bought, are good for. */
  maxTimeoutSeconds: number
  originTimeoutMs: number
  /** The operator's name on the wire and on paper. */
  operator: string
  /** Present with REGISTRATION_URL. */
  credit: CreditConfig | undefined
  /** Present with SELLER. */
  bill: BillConfig | undefined
  /** Whether Cloudflare's own products charge on this zone, and strip their headers from what clients send. */
  cloudflareCharges: boolean
}

export type ConfigResult = { ok: true; config: Config } | { ok: false; faults: readonly Fault[] }

type FacilitatorHeaders = Partial<Record<'verify' | 'settle' | 'supported', Record<string, string>>>
type Table = Readonly<Record<string, unknown>>

const WANTS = {
  RPC_URL: 'the https URL of a node of NETWORK (http for a node on this machine)',
  RELAYER_KEY: 'a private key, 0x and 64 hex digits, of an account with gas money and nothing else',
  FACILITATOR_URL: 'the https URL of an x402 facilitator',
  FACILITATOR_AUTH: 'JSON of headers by endpoint: {"verify":{…},"settle":{…},"supported":{…}}',
  ORIGIN_SECRET: '16 to 256 printable ASCII characters without spaces',
  OPERATOR_TOKEN_SHA256: 'the SHA-256 of the operator’s token, 64 hex digits',
  WITHDRAW_DELAY: 'seconds, 3600 to 2592000',
  MIN_DEPOSIT: 'USD as a quoted decimal, at most "5": clients deposit no more at once',
  MAX_UNCLAIMED: 'USD as a quoted decimal, at least the highest price',
  MAX_TIMEOUT_SECONDS: 'seconds, 30 to 3600',
  ORIGIN_TIMEOUT_MS: 'milliseconds, 100 to 120000, and less than MAX_TIMEOUT_SECONDS',
  ...CREDIT_WANTS,
  ...BILL_WANTS,
}

const MOST_DEPOSIT = 5_000_000n

const key = readWith((text) => {
  if (!isHex(text, 32)) return 'is no private key'
  try {
    return { value: { key: text, address: addressOf(text) } }
  } catch (cause) {
    if (cause instanceof RangeError) return 'is no private key'
    throw cause
  }
})

const headers = v.record(
  v.string(),
  v.pipe(v.string('is no text'), v.regex(/^[ -~]+$/, 'is no value of a header')),
  'is no table of headers',
)

const settings = v.object({
  RPC_URL: v.optional(url),
  RELAYER_KEY: v.optional(key),
  FACILITATOR_URL: v.optional(url),
  FACILITATOR_AUTH: v.optional(
    v.pipe(
      v.unknown(),
      v.transform(unpack),
      v.strictObject(
        {
          verify: v.exactOptional(headers),
          settle: v.exactOptional(headers),
          supported: v.exactOptional(headers),
        },
        'is no table of endpoints',
      ),
    ),
    {},
  ),
  ORIGIN_SECRET: v.optional(shaped(/^[!-~]{16,256}$/, 'is too short, or no header could carry it')),
  OPERATOR_TOKEN_SHA256: v.optional(shaped(/^[0-9a-fA-F]{64}$/, 'is no SHA-256')),
  WITHDRAW_DELAY: v.optional(integer(3600, 2_592_000), 259_200),
  MIN_DEPOSIT: v.optional(usd, '0.01'),
  MAX_UNCLAIMED: v.optional(usd, '100'),
  MAX_TIMEOUT_SECONDS: v.optional(integer(30, 3600), 300),
  ORIGIN_TIMEOUT_MS: v.optional(integer(100, 120_000), 30_000),
  ...creditSettings,
  ...billSettings,
})

type Settings = v.InferOutput<typeof settings>

const cache = new WeakMap<object, WeakMap<object, ConfigResult>>()
const NO_TERMS = {}

/**
 * Reads vars, secrets and the presence of bindings. `terms` take the place of vars of the same name, for a Worker that
 * states its policy in code. One reading per pair of objects. Never throws for what is written in them.
 */
export function readConfig(env: object, terms: Table = NO_TERMS): ConfigResult {
  const known = cache.get(env) ?? new WeakMap<object, ConfigResult>()
  cache.set(env, known)
  const result = known.get(terms) ?? readAll({ ...env, ...terms })
  known.set(terms, result)
  return result
}

function readAll(vars: Table): ConfigResult {
  const site = pick(vars, POLICY_TERMS)
  const terms = parsePolicy(site)
  const rest = v.safeParse(settings, pick(vars, Object.keys(WANTS)))
  const faults = [
    ...(terms.ok ? originFaults(terms.policy, vars) : terms.faults),
    ...faultsOf(rest.issues ?? [], WANTS),
    ...missing(terms.ok ? policySchemes(terms.policy) : schemesMeant(site), vars),
    ...billFaults(vars),
    ...(rest.success ? limitFaults(rest.output, terms.ok ? terms.policy : undefined) : []),
  ]
  if (!terms.ok || !rest.success || faults.length > 0) return { ok: false, faults }
  return { ok: true, config: build(terms.policy, rest.output) }
}

function build(policy: Policy, settings: Settings): Config {
  const { id, chainId, usdc, escrow, collector } = policy.network
  const { RPC_URL, FACILITATOR_URL } = settings
  return {
    policy,
    chain: RPC_URL
      ? { network: id, chainId, rpcUrl: RPC_URL, token: usdc.address, escrow, collector }
      : undefined,
    relayer: settings.RELAYER_KEY,
    facilitator: FACILITATOR_URL ? { url: FACILITATOR_URL, headers: settings.FACILITATOR_AUTH } : undefined,
    originSecret: settings.ORIGIN_SECRET,
    operatorTokenSha256: settings.OPERATOR_TOKEN_SHA256?.toLowerCase(),
    withdrawDelay: settings.WITHDRAW_DELAY,
    minDeposit: settings.MIN_DEPOSIT,
    maxUnclaimed: settings.MAX_UNCLAIMED,
    maxTimeoutSeconds: settings.MAX_TIMEOUT_SECONDS,
    originTimeoutMs: settings.ORIGIN_TIMEOUT_MS,
    operator: settings.OPERATOR,
    credit: creditConfig(settings),
    bill: billConfig(settings),
    cloudflareCharges: settings.CLOUDFLARE_CHARGES,
  }
}

function missing(schemes: ReadonlySet<SchemeName>, vars: Table): Fault[] {
  const isSet = (place: string) => vars[place] !== undefined
  const faults = new Map<string, Fault>()
  for (const scheme of SCHEME_NAMES.filter((name) => schemes.has(name))) {
    for (const { place, binding } of SCHEMES[scheme].needs(isSet)) {
      if (isSet(place) || faults.has(place)) continue
      const want = binding ? `a [[durable_objects.bindings]] of class ${binding}` : wanted(place)
      faults.set(place, { place, fault: `is missing, and scheme "${scheme}" needs it`, want })
    }
  }
  return [...faults.values()]
}

function wanted(place: string): string {
  return (WANTS as Record<string, string>)[place] ?? ''
}

function originFaults({ origin }: Policy, vars: Table): Fault[] {
  if (origin.kind !== 'binding') return []
  const bound = vars[origin.name] as { fetch?: unknown } | undefined
  if (typeof bound?.fetch === 'function') return []
  return [{ place: 'ORIGIN', fault: 'names no binding of this Worker', want: 'a [[services]] binding' }]
}

function limitFaults(settings: Settings, policy: Policy | undefined): Fault[] {
  const faults: Fault[] = []
  const fault = (place: keyof typeof WANTS, fault: string) =>
    faults.push({ place, fault, want: WANTS[place] })
  const decisions = policy ? [policy.fallback, ...policy.rules.map((rule) => rule.decision)] : []
  if (decisions.some(({ price }) => price > settings.MAX_UNCLAIMED))
    fault('MAX_UNCLAIMED', 'is below a price')
  if (settings.MIN_DEPOSIT > MOST_DEPOSIT) fault('MIN_DEPOSIT', 'is more than clients deposit')
  if (settings.ORIGIN_TIMEOUT_MS >= settings.MAX_TIMEOUT_SECONDS * 1000) {
    fault('ORIGIN_TIMEOUT_MS', 'outlasts the offer')
  }
  return faults
}

function pick(vars: Table, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    names.filter((name) => vars[name] !== undefined).map((name) => [name, vars[name]]),
  )
}
