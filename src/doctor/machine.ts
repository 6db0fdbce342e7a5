/** The checks that the operator's machine makes: tools, config, what Cloudflare has, and the hosts from outside. */
import { ageText } from '../alerts/kinds/kind.ts'
import type { ConfigProblem } from '../platform/problem.ts'
import { VERSION } from '../platform/version.ts'
import { type CheckResult, fail, ok, type Probe, warn } from './check.ts'

/** A host as a crawler and a browser see it: their statuses, null without an answer, and then the `fault` in words. */
export type HostFact = { host: string; crawler: number | null; reader: number | null; fault: string }

/** A route at Cloudflare. `isOpen`: beyond the daily limit of a free plan the origin is served unpaid. */
export type RouteFact = { pattern: string; isOpen: boolean }

/** The config of a Worker. `problems` are those of its settings. */
export type ConfigFact = {
  file: string
  workersDev: boolean | undefined
  previewUrls: boolean | undefined
  /** It has limits, which a paid plan alone takes. */
  hasLimits: boolean
  problems: readonly ConfigProblem[]
}

/** The API as this machine reaches it. `time`: the clock of the Worker, in Unix milliseconds; null if unknown. */
export type ApiFact =
  | { state: 'answers'; version: string; time: number | null }
  | { state: 'unasked' | 'failed'; why: string }

/** The ports of these checks. Those that return null do not apply; one that rejects makes its check a warning. */
export type MachinePorts = {
  now(): number
  node: string
  /** The version of wrangler; null if it is not installed. */
  wrangler(): Promise<string | null>
  /** The accounts of the login; null without one. */
  accounts(): Promise<readonly string[] | null>
  /** Null without a file. */
  config: ConfigFact | null
  secrets(): Promise<readonly string[] | null>
  api: ApiFact
  hosts(): Promise<readonly HostFact[]>
  /** Null without CLOUDFLARE_API_TOKEN. */
  routes(): Promise<readonly RouteFact[] | null>
  token: string | undefined
}

type MachineProbe = Probe<MachinePorts>

const LEAST_NODE = 22
/** Requests on credit are signed with the time: a clock that is off by more makes them fail. Milliseconds. */
const MAX_SKEW_MS = 30_000
/** 32 random characters of base64url are 192 bits. */
const LEAST_TOKEN_CHARS = 32
const SECRETS = ['RPC_URL', 'RELAYER_KEY', 'ORIGIN_SECRET', 'OPERATOR_TOKEN_SHA256']
const DEPLOY = 'npx wrangler deploy'

const tools: MachineProbe = {
  id: 'tools',
  title: 'Node and wrangler are installed',
  async look({ node, wrangler }) {
    if (Number(node.split('.')[0]) < LEAST_NODE) return fail(`Node is ${node}.`, 'Install Node 22 or newer')
    const version = await wrangler()
    if (version === null) return fail('wrangler is missing.', 'npm install --save-dev wrangler')
    return ok(`Node ${node}, wrangler ${version}.`)
  },
}

const account: MachineProbe = {
  id: 'account',
  title: 'You are logged in at Cloudflare',
  async look({ wrangler, accounts }) {
    if ((await wrangler()) === null) return null
    const found = await accounts()
    if (!found || found.length === 0) return fail('There must be a login.', 'npx wrangler login')
    return ok(found.join(', '))
  },
}

const config: MachineProbe = {
  id: 'config',
  title: 'The config is valid',
  look({ config: read }) {
    if (!read) return warn('Without a wrangler.toml here only the deployment is checked.', 'npx tab402 init')
    if (read.problems.length === 0) return ok(read.file)
    const reason = read.problems.map(({ place, message }) => `${place} ${message}`).join('; ')
    return fail(`${read.file}: ${reason}.`, 'npx tab402 check-config')
  },
}

const secrets: MachineProbe = {
  id: 'secrets',
  title: 'Cloudflare has every secret',
  async look({ secrets: read }) {
    const found = await read()
    if (!found) return null
    const missing = SECRETS.filter((name) => !found.includes(name))
    if (missing.length === 0) return ok(`${SECRETS.join(', ')}.`)
    const fix = missing.map((name) => `npx wrangler secret put ${name}`).join('\n')
    return fail(`Missing: ${missing.join(', ')}.`, `npx tab402 init, or:\n${fix}`)
  },
}

const workersDev: MachineProbe = {
  id: 'workers_dev',
  title: 'No address of workers.dev leads past your zone',
  look({ config: read }) {
    if (!read) return null
    if (read.workersDev === false && read.previewUrls === false) return ok('Both are off.')
    const fix = `Set workers_dev = false and preview_urls = false in ${read.file}, then: ${DEPLOY}`
    return fail('workers_dev and preview_urls must be false.', fix)
  },
}

const failClosed: MachineProbe = {
  id: 'fail_closed',
  title: 'Beyond the daily limit nothing is served unpaid',
  async look({ config: read, routes }) {
    if (!read) return null
    if (read.hasLimits) return ok('A paid plan has none.')
    const found = await routes()
    const fix = 'In the dashboard, under Workers Routes, set "request limit failure mode" to fail closed'
    if (!found) return warn('Set CLOUDFLARE_API_TOKEN, and the routes are read.', fix)
    const open = found.filter(({ isOpen }) => isOpen)
    if (open.length > 0) return fail(`Open: ${open.map(({ pattern }) => pattern).join(', ')}.`, fix)
    return ok(`${found.length} routes fail closed.`)
  },
}

const api: MachineProbe = {
  id: 'api',
  title: 'The API of the deployment answers',
  look({ api: read }) {
    if (read.state === 'answers') return ok(`Version ${read.version}.`)
    const fix = 'OPERATOR_TOKEN=… npx tab402 doctor --url https://your-site.example'
    return read.state === 'unasked' ? warn(read.why, fix) : fail(read.why, fix)
  },
}

const version: MachineProbe = {
  id: 'version',
  title: 'This version is deployed',
  look({ api: read }) {
    if (read.state !== 'answers') return null
    if (read.version === VERSION) return ok(VERSION)
    return warn(`The deployment has ${read.version}, this is ${VERSION}.`, DEPLOY)
  },
}

const clock: MachineProbe = {
  id: 'machine_clock',
  title: 'The clock of this machine is right',
  look({ api: read, now }) {
    if (read.state !== 'answers' || read.time === null) return null
    const skew = Math.abs(now() - read.time)
    if (skew <= MAX_SKEW_MS) return ok('It agrees with the Worker.')
    return warn(`It differs from the Worker by ${ageText(skew)}.`, 'Set the clock by NTP')
  },
}

const hosts: MachineProbe = {
  id: 'hosts',
  title: 'From outside crawlers get 402, and people get the page',
  async look({ hosts: read }) {
    const found = await read()
    if (found.length === 0) return null
    const results = found.map(ofHost)
    const [worst] = [...results].sort((a, b) => RANK[a.outcome] - RANK[b.outcome])
    const others = results.filter(({ outcome }) => outcome !== 'ok')
    if (!worst || others.length === 0) return ok(found.map(({ host }) => host).join(', '))
    return { ...worst, reason: others.map(({ reason }) => reason).join(' ') }
  },
}

const RANK = { fail: 0, warn: 1, ok: 2 } as const

function ofHost({ host, crawler, reader, fault }: HostFact): CheckResult {
  if (crawler === null || reader === null)
    return fail(`${host} ${fault}.`, `Set its DNS record at Cloudflare, proxied, and a route: ${host}/*`)
  if (reader >= 400) return fail(`${host} answers a browser with ${reader}.`, `curl -si https://${host}/`)
  if (crawler === 402) return ok(host)
  const fix = `npx tab402 explain https://${host}/ --as GPTBot`
  return warn(`${host} answers a crawler with ${crawler}: name a page that is charged with --path.`, fix)
}

const token: MachineProbe = {
  id: 'token',
  title: 'The token of the operator is long enough',
  look({ token: text }) {
    if (text === undefined) return null
    if (text.length >= LEAST_TOKEN_CHARS) return ok(`${text.length} characters.`)
    const make = 'openssl rand -base64 32'
    const fix = `Make one (${make}), and set its hash: npx wrangler secret put OPERATOR_TOKEN_SHA256`
    return warn(`It has ${text.length} characters, and should have ${LEAST_TOKEN_CHARS} random ones.`, fix)
  },
}

/** Every check of the machine, in the order in which they are shown. */
export const MACHINE_CHECKS: readonly MachineProbe[] = [
  ...[tools, account, config, secrets, workersDev, failClosed],
  ...[api, version, clock, token, hosts],
]
