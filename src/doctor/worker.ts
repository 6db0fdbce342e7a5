/** The checks that the edge Worker makes of itself: by its bindings, its database, its chain and its sites. */
import { isOpenAlert } from '../alerts/alert.ts'
import { RUNS } from '../alerts/kinds/chain.ts'
import { ageText } from '../alerts/kinds/kind.ts'
import { OVERDUE_MS, UNWATCHED_MS } from '../alerts/kinds/runs.ts'
import { MINUTE_MS } from '../platform/time.ts'
import { networks } from '../protocol/evm/network.ts'
import { type CheckResult, fail, ok, type Probe, warn } from './check.ts'
import { MIGRATIONS } from './migrations.ts'
import type { WorkerPorts } from './ports.ts'

/** A check of the Worker. */
type WorkerProbe = Probe<WorkerPorts>

/** Runs that a transfer of gas money should last for. */
const RUNS_AHEAD = 10n
const DEPLOY = 'npx wrangler deploy'

/** Bindings without which the Worker does not work, and those without which a part of it does not. */
const NEEDED = ['ACCOUNT', 'AUTHORIZATIONS', 'RELAYER', 'BOOK', 'SETTLEMENT']
const USEFUL: Readonly<Record<string, string>> = {
  PEOPLE: 'the console lets no one in',
  AUDIT: 'acts of the operator are not logged',
  LISTS: 'the name of a crawler is not compared with the addresses of its operator',
  CHAIN_READS: 'strangers can have the chain read as often as they like',
  CHANNEL_READS: 'payers can have the chain read as often as they like',
}

const settings: WorkerProbe = {
  id: 'settings',
  title: 'The settings are valid',
  look({ facts }) {
    const found = facts.settings ?? []
    if (found.length === 0) return ok('No setting has a fault.')
    const reason = found.map(({ place, message }) => `${place} ${message}`).join('; ')
    const isFault = found.some(({ level }) => level === 'fault')
    return (isFault ? fail : warn)(`${reason}.`, 'npx tab402 check-config')
  },
}

const bindings: WorkerProbe = {
  id: 'bindings',
  title: 'Every binding is there',
  look({ bindings: bound }) {
    const fix = `Add them to wrangler.toml as the package's own has them, then: ${DEPLOY}`
    const missing = NEEDED.filter((name) => !bound.has(name))
    if (missing.length > 0) return fail(`Missing: ${missing.join(', ')}.`, fix)
    if (bound.has('SITES') !== bound.has('HOSTS')) return fail('SITES and HOSTS must be bound together.', fix)
    const useful = Object.entries(USEFUL).filter(([name]) => !bound.has(name))
    if (useful.length === 0) return ok('All that the Worker uses.')
    return warn(`Without ${useful.map(([name, effect]) => `${name} ${effect}`).join('; without ')}.`, fix)
  },
}

const migrations: WorkerProbe = {
  id: 'migrations',
  title: 'The database has every migration',
  async look({ migrations: read }) {
    const has = new Set(await read())
    const missing = MIGRATIONS.filter((name) => !has.has(name))
    if (missing.length === 0) return ok(`${MIGRATIONS.length} migrations.`)
    return fail(`Missing: ${missing.join(', ')}.`, 'npx wrangler d1 migrations apply BOOK --remote')
  },
}

const watch: WorkerProbe = {
  id: 'watch',
  title: 'The watch runs every five minutes',
  look({ now, alerts: { lastAt } }) {
    if (lastAt === null) return warn('It has not run yet. Wait five minutes after a deployment.')
    const age = `It last ran ${ageText(now - lastAt)} ago.`
    return now - lastAt > UNWATCHED_MS ? fail(age, DEPLOY) : ok(age)
  },
}

const night: WorkerProbe = {
  id: 'night',
  title: 'The nightly run settles',
  look({ now, facts: { runs = [], firstAt } }) {
    if (runs.length === 0) return null
    const failed = runs.find(({ last }) => last?.status === 'failed' || last?.status === 'abandoned')
    if (failed)
      return fail(`The last ${failed.kind} run is ${failed.last?.status}.`, 'Read its findings: /runs')
    const late = runs.filter(({ last }) => now - (last?.startedAt ?? firstAt) > OVERDUE_MS)
    if (late.length > 0) {
      const kinds = late.map(({ kind }) => kind).join(' and ')
      return fail(`No ${kinds} run has begun for more than ${ageText(OVERDUE_MS)}.`, DEPLOY)
    }
    const first = runs.find(({ last }) => last)?.last
    if (!first) return warn('No run has begun yet. The first one begins at 00:00 UTC.')
    return ok(`The last one began ${ageText(now - first.startedAt)} ago and is ${first.status}.`)
  },
}

const node: WorkerProbe = {
  id: 'node',
  title: 'The node serves its chain, and its blocks are new',
  look({ now, facts: { nodes = [] } }) {
    if (nodes.length === 0) return null
    const fix = 'npx wrangler secret put RPC_URL'
    const silent = nodes.filter(({ head }) => head === null)
    const named = (found: typeof nodes) =>
      found.map(({ host, network }) => `${host} on ${network}`).join(', ')
    if (silent.length > 0)
      return fail(`No answer, or another chain: ${named(silent)}.`, `Use another node: ${fix}`)
    const old = nodes.filter(
      ({ head, maxAgeSeconds }) => head && maxAgeSeconds > 0 && now - head.time > maxAgeSeconds * 1000,
    )
    if (old.length > 0) return fail(`The newest block is too old: ${named(old)}.`, `Use another node: ${fix}`)
    return ok(nodes.map(({ host, head }) => `${host}: block ${head?.block}`).join(', '))
  },
}

const clock: WorkerProbe = {
  id: 'clock',
  title: 'The clock agrees with the chain',
  look({ now, facts: { nodes = [] } }) {
    const ahead = nodes.filter(({ head }) => head && head.time - now > MINUTE_MS)
    if (nodes.length === 0) return null
    if (ahead.length === 0) return ok('No block is from the future.')
    return warn(`Blocks of ${ahead.map(({ host }) => host).join(', ')} are from the future.`)
  },
}

const gas: WorkerProbe = {
  id: 'gas',
  title: 'The relayer has gas money',
  look({ facts: { relayers = [] } }) {
    if (relayers.length === 0)
      return warn(
        'Without RPC_URL and RELAYER_KEY nothing is claimed.',
        'npx wrangler secret put RPC_URL\nnpx wrangler secret put RELAYER_KEY',
      )
    const low = relayers.filter(
      ({ balance, runCost }) => balance === null || balance < RUNS.warning * runCost,
    )
    if (low.length === 0)
      return ok(`${relayers.map(({ network, balance }) => ofWei(balance, network)).join(', ')}.`)
    const isOut = low.some(({ balance, runCost }) => balance === null || balance < RUNS.critical * runCost)
    const reason = low.map(({ network, balance, runCost }) =>
      balance === null
        ? `the balance on ${network} cannot be read`
        : `it has ${ofWei(balance, network)}, and one run costs up to ${ofWei(runCost, network)}`,
    )
    const fix = low.map(
      ({ address, network, runCost }) =>
        `Send at least ${ofWei(RUNS_AHEAD * runCost, network)} to ${address}`,
    )
    return (isOut ? fail : warn)(`${reason.join('; ')}.`, fix.join('\n'))
  },
}

const contracts: WorkerProbe = {
  id: 'contracts',
  title: 'The contracts are those that payers sign for',
  async look({ facts, contracts: compare }) {
    if ((facts.nodes ?? []).length === 0) return null
    const differences = await compare()
    if (differences.length === 0) return ok('Code, decimals and domains of USDC and the escrow are right.')
    const reason = differences.map(({ place, message }) => `${place} ${message}`).join('; ')
    return fail(`${reason}.`, 'npx tab402 check-config --chain')
  },
}

const receiver: WorkerProbe = {
  id: 'receiver',
  title: 'The receiver is a wallet',
  async look({ receivers }) {
    const read = await receivers()
    if (read.length === 0) return null
    const fix = `Set RECEIVER in wrangler.toml to your wallet's address, then: ${DEPLOY}`
    const wrong = read.find(({ role }) => role !== null)
    if (wrong) return fail(`It is the ${wrong.role} on ${wrong.network}: what it receives is lost.`, fix)
    const contract = read.find(({ isContract }) => isContract === true)
    if (contract)
      return warn(`It is a contract on ${contract.network}. It must be able to move USDC out again.`)
    if (read.some(({ isContract }) => isContract === null)) return warn('Its code cannot be read now.')
    return ok(read[0]?.address ?? '')
  },
}

const access: WorkerProbe = {
  id: 'access',
  title: 'The console has a second lock',
  async look({ access: read }) {
    const found = await read()
    const fix = 'Put Cloudflare Access before the console: ACCESS_TEAM and ACCESS_AUD (docs/console.md)'
    if (!found) return warn("The operator's token is one lock. It must have 32 random characters.", fix)
    const { issuer, takesToken, keys } = found
    if (!keys)
      return fail(`${issuer} must publish keys. Until then every sign-in fails.`, 'Check ACCESS_TEAM')
    if (takesToken) return warn("The operator's token opens it too.", 'Remove ACCESS_BREAK_GLASS')
    return ok(`${issuer}, ${keys} keys.`)
  },
}

const origin: WorkerProbe = {
  id: 'origin',
  title: 'The origin answers the Worker',
  look: async ({ origin: read }) => ofPart((await read())?.answers, 'Check ORIGIN in wrangler.toml'),
}

const sideDoor: WorkerProbe = {
  id: 'side_door',
  title: 'The origin refuses those who come past the Worker',
  look: async ({ origin: read }) =>
    ofPart(
      (await read())?.sideDoor,
      'Have the origin reject requests without the header tab402-origin-secret: ORIGIN_SECRET',
    ),
}

function ofPart(part: { outcome: string; why: string } | undefined, fix: string): CheckResult | null {
  if (!part || part.outcome === 'skipped') return null
  if (part.outcome === 'ok') return ok(`It ${part.why}.`)
  return part.outcome === 'failed' ? fail(`${part.why}.`, fix) : warn(`${part.why}.`, fix)
}

const sites: WorkerProbe = {
  id: 'sites',
  title: 'The sites are live and well',
  async look({ sites: read }) {
    const found = await read()
    if (!found) return null
    const { checked, count, live, path } = found
    const add = 'npx tab402 sites add FILE, then: npx tab402 sites publish ID'
    if (live === 0)
      return warn(count === 0 ? 'The registry must have a site.' : `None of ${count} sites is live.`, add)
    const broken = checked.filter(({ isLive, faults }) => isLive && faults.length > 0)
    const rest = count > checked.length ? ` The first ${checked.length} were checked.` : ''
    const free = checked.filter(({ isLive, isFree }) => isLive && isFree)
    if (broken.length === 0 && free.length > 0)
      return warn(
        `${free.map(({ id }) => id).join(', ')}: crawlers read ${path} free.${rest}`,
        `npx tab402 doctor --path /a-charged-page`,
      )
    if (broken.length === 0) return ok(`${live} of ${count} sites are live.${rest}`)
    const reason = broken.map(({ id, faults }) => `${id}: ${faults.join(', ')}`).join('; ')
    return fail(`${reason}.${rest}`, `npx tab402 sites check ${broken.map(({ id }) => id).join(' ')}`)
  },
}

const registry: WorkerProbe = {
  id: 'registry',
  title: 'Every host has the version of the registry',
  async look({ sites: read }) {
    const found = await read()
    if (!found) return null
    const pending = found.checked.flatMap((site) => site.pending)
    if (pending.length === 0) return ok('KV has the newest version of every host.')
    return warn(`KV lacks the newest version of ${pending.join(', ')}. The registry tries again by itself.`)
  },
}

const webhooks: WorkerProbe = {
  id: 'webhooks',
  title: 'Alerts reach you',
  look({ alerts: { webhooks: known } }) {
    const failing = known.filter(({ failingSince }) => failingSince !== null)
    const fix = 'Set WEBHOOK_URL in wrangler.toml, then send a test: POST /_tab402/api/alerts/test'
    if (failing.length > 0) return fail(`${failing.map(({ host }) => host).join(', ')} accepts nothing.`, fix)
    if (known.length === 0) return warn('No webhook has accepted a message yet.', fix)
    return ok(known.map(({ host }) => host).join(', '))
  },
}

const alerted: WorkerProbe = {
  id: 'alerts',
  title: 'No critical alert is open',
  look({ alerts: { alerts } }) {
    const open = alerts.filter((alert) => isOpenAlert(alert) && alert.severity === 'critical')
    if (open.length === 0) return ok('None.')
    return fail(`${open.map(({ kind, subject }) => `${kind}: ${subject}`).join('; ')}.`, 'See docs/alerts.md')
  },
}

const host: WorkerProbe = {
  id: 'host',
  title: 'The Worker answers on your own host alone',
  look({ host: asked }) {
    if (asked === null) return null
    if (!asked.endsWith('.workers.dev')) return ok(asked)
    const fix = `Set workers_dev = false and preview_urls = false in wrangler.toml, then: ${DEPLOY}`
    return fail('It answers on workers.dev, where no rule of your zone counts.', fix)
  },
}

const payment: WorkerProbe = {
  id: 'payment',
  title: 'A crawler has paid',
  async look({ now, paidAt }) {
    const at = await paidAt()
    if (at !== null) return ok(`Money was last reported ${ageText(now - at)} ago.`)
    const fix = 'KEY=0x… RPC_URL=https://… npx tab402 pay exact https://your-site.example/a-page'
    return warn('No data yet. Buy one of your own pages, with a wallet that has a little USDC.', fix)
  },
}

/** Every check of the Worker, in the order in which they are shown. */
export const WORKER_CHECKS: readonly WorkerProbe[] = [
  ...[settings, bindings, migrations, node, clock, contracts, receiver, gas],
  ...[watch, night, origin, sideDoor, sites, registry, host, access, webhooks, alerted, payment],
]

/** Wei as a decimal number of the network's native token, rounded up to six places. Null: unknown. */
function ofWei(wei: bigint | null, network: string): string {
  if (wei === null) return 'unknown'
  const { native = '', title = network } = networks.get(network) ?? {}
  const micro = (wei + 10n ** 12n - 1n) / 10n ** 12n
  const digits = micro.toString().padStart(7, '0')
  return `${digits.slice(0, -6)}.${digits.slice(-6)} ${native} on ${title}`.replace('  ', ' ')
}
