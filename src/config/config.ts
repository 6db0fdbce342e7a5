/** Reads the Worker's vars and secrets once, into a config or into all their problems. No other file reads them. */
import * as v from 'valibot'
import { assertAddress, type RelayerKey } from '../chain/relayer/key.ts'
import type { DatasetAccess } from '../ledger/book/traffic-dataset.ts'
import { type Policy, policySchemes } from '../paywall/policy.ts'
import { DEFAULT_MOST } from '../paywall/terms/adjust.ts'
import { type ConfigProblem, type Expected, problemsOf } from '../platform/problem.ts'
import { list, readWith } from '../platform/schema.ts'
import { type Address, isHex } from '../protocol/evm/hex.ts'
import type { Network } from '../protocol/evm/network.ts'
import { addressOf } from '../protocol/evm/secp256k1.ts'
import { SCHEME_NAMES, SCHEMES, type SchemeName } from '../schemes/index.ts'
import type { TermsName } from '../terms/names.ts'
import { ACCESS_EXPECTED, type AccessConfig, accessConfig, accessProblems, accessSettings } from './access.ts'
import { BILL_EXPECTED, type BillConfig, billConfig, billProblems, billSettings } from './billing.ts'
import { bindingProblems, originProblems, unboundBook } from './bindings.ts'
import { isSetOn, valuesOf } from './by-network.ts'
import { CREDIT_EXPECTED, type CreditConfig, creditConfig, creditSettings } from './credit.ts'
import { durableObject, integer, shaped } from './fields.ts'
import { GAS_EXPECTED, gasWarnings } from './gas.ts'
import {
  NETWORK_EXPECTED,
  type NetworkConfig,
  networkConfigs,
  networkProblems,
  networkSettings,
  standingProblems,
} from './network.ts'
import { POLICY_TERMS, parsePolicy, schemesAsked } from './policy.ts'
import { PROOF_EXPECTED, type ProofConfig, proofConfig, proofProblems, proofSettings } from './proofs.ts'
import { ruleCautions } from './rule/index.ts'
import { usd } from './schema.ts'
import {
  SCREENING_EXPECTED,
  type ScreeningConfig,
  screeningConfig,
  screeningProblems,
  screeningSettings,
} from './screening.ts'
import { TRAFFIC_EXPECTED, trafficConfig, trafficProblems, trafficSettings } from './traffic.ts'
import { type WebhookConfig, webhooksIn } from './webhooks.ts'

export { type ConfigProblem, describeProblems } from '../platform/problem.ts'

/** The whole config of one Worker. */
export type Config = {
  policy: Policy
  /** The documents that state the terms of the policy to machines. */
  documents: ReadonlySet<TermsName>
  /** `shadow`: everything is decided and counted, and everybody is served. */
  mode: 'live' | 'shadow'
  /** Those of the policy in its order, then those where only earlier payments are settled. */
  networks: readonly NetworkConfig[]
  /** Present with RELAYER_KEY. On each network its address is the channels' receiver authorizer and pays for gas. */
  relayer: RelayerKey | undefined
  /** Former keys: their channels are still claimed, and serve no more requests. */
  oldRelayers: readonly RelayerKey[]
  /** Sent to the origin, which can reject requests without it. */
  originSecret: string | undefined
  /** SHA-256 of the operator's token: 64 hex digits in lower case. */
  operatorTokenSha256: string | undefined
  /** Seconds between a payer's request to withdraw and the payout. A change applies to new channels only. */
  withdrawDelay: number
  /** The unclaimed limit of one channel, in atomic units. */
  maxUnclaimed: bigint
  /** Seconds for which an offer, and a replay of its purchase, are valid. */
  maxTimeoutSeconds: number
  originTimeoutMs: number
  /** How long a version of a site waits before it takes effect, in milliseconds; the registry's default without it. */
  sitesAheadMs: number | undefined
  /** The operator's name on the wire and on invoices. */
  operator: string
  /** The URL of the operator's own host, without a trailing slash. Present with PUBLIC_URL. */
  publicUrl: string | undefined
  /** Present with REGISTRATION_URL. */
  credit: CreditConfig | undefined
  /** Where dunning steps are sent. Present with WEBHOOK_URL. */
  webhook: WebhookConfig | undefined
  /** Where alerts are sent: the URLs of WEBHOOK_URL, of which the first is `webhook`. */
  webhooks: readonly WebhookConfig[]
  /** Present with SELLER. */
  bill: BillConfig | undefined
  /** How the dataset of traffic is read. Present with TRAFFIC_TOKEN. */
  traffic: DatasetAccess | undefined
  /** Where proofs of hosts are looked for. */
  proofs: ProofConfig
  /** Present with SCREENING or SCREEN_DENY. */
  screening: ScreeningConfig | undefined
  /** Present with ACCESS_TEAM: the team whose members sign in to the console by Cloudflare Access. */
  access: AccessConfig | undefined
  /** Whether Cloudflare's own products charge on this zone and strip their headers from requests. */
  cloudflareCharges: boolean
}

/** A config, or everything that is wrong with the settings. `warnings` stop nothing, and an operator should look at them. */
export type ConfigResult =
  | { ok: true; config: Config; warnings: readonly ConfigProblem[] }
  | { ok: false; problems: readonly ConfigProblem[]; warnings: readonly ConfigProblem[] }

type Table = Readonly<Record<string, unknown>>

const EXPECTED = {
  MODE: { want: '"live" or "shadow"', example: '"shadow"' },
  RELAYER_KEY: { want: 'a private key: 0x and 64 hex digits', example: '0x1f2e…' },
  RELAYER_ADDRESS: { want: 'the address of RELAYER_KEY: 0x and 40 hex digits', example: '0x19e7…' },
  RELAYER_KEYS_OLD: {
    want: 'former values of RELAYER_KEY, at most 8 and without the present one: one key, or a JSON list',
    example: '["0x1f2e…"]',
  },
  ORIGIN_SECRET: {
    want: '16 to 256 printable ASCII characters without spaces',
    example: 'the output of openssl rand -hex 32',
  },
  OPERATOR_TOKEN_SHA256: {
    want: "the SHA-256 of the operator's token: 64 hex digits",
    example: '"9f86d081…"',
  },
  WITHDRAW_DELAY: {
    want: '86400 to 2592000 seconds, or at least 3600 with SHORT_WITHDRAW_DELAY',
    example: '259200',
  },
  SHORT_WITHDRAW_DELAY: { want: '"accepted", or not set', example: '"accepted"' },
  MAX_UNCLAIMED: { want: 'USD in quotes, at least your highest price', example: '"100"' },
  MAX_TIMEOUT_SECONDS: { want: '30 to 3600 seconds', example: '300' },
  ORIGIN_TIMEOUT_MS: { want: '100 to 120000, and shorter than MAX_TIMEOUT_SECONDS', example: '30000' },
  ...NETWORK_EXPECTED,
  SITES_AHEAD_SECONDS: { want: '0 to 3600 seconds', example: '120' },
  ...GAS_EXPECTED,
  ...CREDIT_EXPECTED,
  ...BILL_EXPECTED,
  ...TRAFFIC_EXPECTED,
  ...PROOF_EXPECTED,
  ...SCREENING_EXPECTED,
  ...ACCESS_EXPECTED,
} as const satisfies Record<string, Expected>

/**
 * Below a day, a payer can withdraw before the next nightly run, and the watch alone claims in time. A shorter delay needs
 * SHORT_WITHDRAW_DELAY. Seconds.
 */
const MIN_SAFE_DELAY = 86_400
/** Each former key is one more signer of a run. Drop a key once its channels owe nothing. */
const MAX_OLD_KEYS = 8

/** x402 clients deposit at most $5 at once. Atomic units. */
const MAX_MIN_DEPOSIT = 5_000_000n

const key = readWith((text) => (isHex(text, 32) ? { value: text } : null))

/** Unlike the present key's, the address is derived here: a site has former keys only for a while. */
const oldKey = readWith((text) => {
  if (!isHex(text, 32)) return null
  try {
    return { value: { key: text, address: addressOf(text) } }
  } catch (cause) {
    if (cause instanceof RangeError) return null
    throw cause
  }
})

const address = readWith((text) => (isHex(text, 20) ? { value: text.toLowerCase() as Address } : null))

const settings = v.object({
  MODE: v.optional(v.picklist(['live', 'shadow']), 'live'),
  RELAYER_KEY: v.optional(key),
  RELAYER_ADDRESS: v.optional(address),
  RELAYER_KEYS_OLD: v.optional(v.pipe(list(oldKey), v.maxLength(MAX_OLD_KEYS, 'must have at most 8 keys'))),
  ORIGIN_SECRET: v.optional(shaped(/^[!-~]{16,256}$/)),
  OPERATOR_TOKEN_SHA256: v.optional(shaped(/^[0-9a-fA-F]{64}$/)),
  WITHDRAW_DELAY: v.optional(integer(3600, 2_592_000), 259_200),
  SHORT_WITHDRAW_DELAY: v.optional(v.literal('accepted')),
  MAX_UNCLAIMED: v.optional(usd, '100'),
  MAX_TIMEOUT_SECONDS: v.optional(integer(30, 3600), 300),
  ORIGIN_TIMEOUT_MS: v.optional(integer(100, 120_000), 30_000),
  SITES_AHEAD_SECONDS: v.optional(integer(0, 3600)),
  ...networkSettings,
  ...creditSettings,
  ...billSettings,
  ...trafficSettings,
  ...proofSettings,
  ...screeningSettings,
  ...accessSettings,
})

type Settings = v.InferOutput<typeof settings>

const cache = new WeakMap<object, WeakMap<object, ConfigResult>>()
const NO_TERMS = {}

/**
 * Reads vars, secrets and the presence of bindings. `terms` replace vars of the same name, for a Worker that states its
 * policy in code. Reads each pair of objects once. Returns problems for any content and never throws.
 */
export function readConfig(env: object, terms: Table = NO_TERMS): ConfigResult {
  const known = cache.get(env) ?? new WeakMap<object, ConfigResult>()
  cache.set(env, known)
  const result = known.get(terms) ?? readAll({ ...env, ...terms })
  known.set(terms, result)
  return result
}

/** Problems that only deriving the key shows. The Worker finds them at its first payment; check them before a deploy. */
export function addressProblems({ relayer }: Config): ConfigProblem[] {
  if (!relayer) return []
  try {
    assertAddress(relayer)
    return []
  } catch (cause) {
    return [problemOf(cause instanceof RangeError ? 'RELAYER_KEY' : 'RELAYER_ADDRESS')]
  }
}

/** Whether the Worker reads a var or secret of this name. */
export function isVar(name: string): boolean {
  return Object.hasOwn(EXPECTED, name) || POLICY_TERMS.includes(name)
}

function readAll(vars: Table): ConfigResult {
  const site = pick(vars, POLICY_TERMS)
  const terms = parsePolicy(site)
  const rest = v.safeParse(settings, pick(vars, Object.keys(EXPECTED)))
  const known = terms.ok ? terms.policy : undefined
  const absent = missing(terms.ok ? policySchemes(terms.policy) : schemesAsked(site), vars, known?.networks)
  const isSet = (place: string) => vars[place] !== undefined
  // A trial sells nothing, so it needs no wallet and no node yet. It counts in D1.
  const isTrial = rest.success && rest.output.MODE === 'shadow'
  const problems = [
    ...(terms.ok
      ? [
          ...originProblems(terms.policy, vars),
          ...bindingProblems(terms.policy, vars),
          ...standingProblems(terms.policy),
        ]
      : terms.problems),
    ...problemsOf(rest.issues ?? [], EXPECTED),
    ...(isTrial ? unboundBook(vars) : absent),
    ...billProblems(vars),
    ...(rest.success ? trafficProblems(rest.output) : []),
    ...(rest.success ? accessProblems(rest.output) : []),
    ...proofProblems(vars, EXPECTED.PUBLIC_URL.example),
    ...(rest.success ? limitProblems(rest.output, known) : []),
    ...(rest.success ? screeningProblems(rest.output, known?.networks, isSet) : []),
    ...(rest.success && known ? networkProblems(known.networks, rest.output) : []),
  ]
  const relayer = rest.success ? relayerOf(rest.output) : undefined
  if (relayer === null) problems.push(problemOf('RELAYER_KEY'))
  if (!terms.ok || !rest.success) return { ok: false, problems, warnings: [] }
  const { policy } = terms
  const warnings = [
    ...(isTrial ? absent : []),
    ...ruleCautions(policy.rules),
    ...networkConfigs(policy.networks, rest.output)
      .filter(({ network }) => policy.networks.includes(network))
      .flatMap((one) => gasWarnings(policy, one, (place) => isSetOn(vars[place], one.network.id))),
  ]
  if (problems.length > 0) return { ok: false, problems, warnings }
  const config = {
    ...build(policy, rest.output),
    documents: terms.documents,
    relayer: relayer ?? undefined,
  }
  return { ok: true, config, warnings }
}

/**
 * The relayer; null if its key is not valid. RELAYER_ADDRESS saves deriving the key here, which would load the curve's
 * module for a request that pays nothing. {@link assertAddress} compares the two before money depends on it.
 */
function relayerOf({ RELAYER_KEY: key, RELAYER_ADDRESS: address }: Settings): RelayerKey | null | undefined {
  if (key === undefined) return undefined
  try {
    return { key, address: address ?? addressOf(key) }
  } catch (cause) {
    if (cause instanceof RangeError) return null
    throw cause
  }
}

function build(policy: Policy, settings: Settings): Omit<Config, 'relayer' | 'documents'> {
  const webhooks = webhooksIn(settings)
  return {
    policy,
    mode: settings.MODE,
    networks: networkConfigs(policy.networks, settings),
    oldRelayers: settings.RELAYER_KEYS_OLD ?? [],
    originSecret: settings.ORIGIN_SECRET,
    operatorTokenSha256: settings.OPERATOR_TOKEN_SHA256?.toLowerCase(),
    withdrawDelay: settings.WITHDRAW_DELAY,
    maxUnclaimed: settings.MAX_UNCLAIMED,
    maxTimeoutSeconds: settings.MAX_TIMEOUT_SECONDS,
    originTimeoutMs: settings.ORIGIN_TIMEOUT_MS,
    sitesAheadMs:
      settings.SITES_AHEAD_SECONDS === undefined ? undefined : settings.SITES_AHEAD_SECONDS * 1000,
    operator: settings.OPERATOR,
    publicUrl: settings.PUBLIC_URL && new URL(settings.PUBLIC_URL).origin,
    credit: creditConfig(settings),
    webhook: webhooks[0],
    webhooks,
    bill: billConfig(settings),
    traffic: trafficConfig(settings),
    proofs: proofConfig(settings),
    screening: screeningConfig(settings, policy.networks),
    access: accessConfig(settings),
    cloudflareCharges: settings.CLOUDFLARE_CHARGES,
  }
}

/** The settings and bindings that the schemes lack, on each network; `offered` is undefined while NETWORK is faulty. */
function missing(
  schemes: ReadonlySet<SchemeName>,
  vars: Table,
  offered: readonly Network[] | undefined,
): ConfigProblem[] {
  const problems = new Map<string, ConfigProblem>()
  for (const network of offered ?? [undefined]) {
    const isSet = (place: string) => isSetOn(vars[place], network?.id)
    for (const scheme of SCHEME_NAMES.filter((name) => schemes.has(name))) {
      const { needs, standsOn } = SCHEMES[scheme]
      if (network && standsOn?.(network) === false) continue
      for (const { place: name, binding } of needs(isSet)) {
        const place = vars[name] === undefined ? name : `${name}.${network?.id}`
        if (isSet(name) || problems.has(place)) continue
        const message = `must be ${binding ? 'bound' : 'set'} for scheme "${scheme}"`
        const example = binding ? durableObject(name, binding) : exampleOf(name)
        problems.set(place, { place, message, ...(example && { example }) })
      }
    }
  }
  return [...problems.values()]
}

function exampleOf(place: string): string | undefined {
  return (EXPECTED as Readonly<Record<string, Expected>>)[place]?.example
}

function limitProblems(settings: Settings, policy: Policy | undefined): ConfigProblem[] {
  const { MAX_UNCLAIMED, ORIGIN_TIMEOUT_MS, MAX_TIMEOUT_SECONDS } = settings
  const { WITHDRAW_DELAY, SHORT_WITHDRAW_DELAY, RELAYER_KEY, RELAYER_KEYS_OLD } = settings
  const decisions = policy ? [policy.fallback, ...policy.rules.map((rule) => rule.decision)] : []
  const agreed = [
    ...(policy?.contracts?.values() ?? []),
    ...(policy?.passes ?? []).map(({ decision }) => decision),
  ]
  const limits: [keyof typeof EXPECTED, boolean][] = [
    [
      'MAX_UNCLAIMED',
      decisions.every(({ price, byOrigin, most = DEFAULT_MOST }) =>
        byOrigin ? most <= MAX_UNCLAIMED : price <= MAX_UNCLAIMED,
      ) && agreed.every(({ price }) => price <= MAX_UNCLAIMED),
    ],
    ['RELAYER_KEYS_OLD', (RELAYER_KEYS_OLD ?? []).every(({ key }) => key !== RELAYER_KEY)],
    ['MIN_DEPOSIT', valuesOf(settings.MIN_DEPOSIT).every((amount) => amount <= MAX_MIN_DEPOSIT)],
    ['WITHDRAW_DELAY', WITHDRAW_DELAY >= MIN_SAFE_DELAY || SHORT_WITHDRAW_DELAY === 'accepted'],
    ['ORIGIN_TIMEOUT_MS', ORIGIN_TIMEOUT_MS < MAX_TIMEOUT_SECONDS * 1000],
  ]
  return limits.filter(([, holds]) => !holds).map(([place]) => problemOf(place))
}

function problemOf(place: keyof typeof EXPECTED): ConfigProblem {
  const { want, example } = EXPECTED[place]
  return { place, message: `must be ${want}`, example }
}

function pick(vars: Table, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    names.filter((name) => vars[name] !== undefined).map((name) => [name, vars[name]]),
  )
}
