/** The state of a deployment as OpenMetrics text: gauges from D1, the objects and the chain, none from an isolate's memory. */
import { Hono } from 'hono/tiny'
import { type AlertState, isOpenAlert } from '../alerts/alert.ts'
import type { AlertFacts, RelayerFact } from '../alerts/facts.ts'
import { readFacts } from '../alerts/read.ts'
import type { AlertSettings } from '../alerts/settings.ts'
import { readAlerts } from '../alerts/store.ts'
import { owedOn } from '../ledger/billing/dunning.ts'
import { chartMoney, dayChart } from '../ledger/book/chart.ts'
import { needs, type OperatorEnv } from './rights.ts'

/** The media type of the text. */
export const OPEN_METRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8'

/** Money of today, in micro-dollars, from what the accounts have reported. `asOf`: Unix ms; null before the first report. */
export type Today = { charged: number; charges: number; asOf: number | null }

type Labels = Readonly<Record<string, string>>

/** One gauge: its name and unit, its meaning, and its values. Without a value it is left out. */
type Gauge = { name: string; unit?: 'seconds' | 'dollars'; help: string; values: [Labels, number | string][] }

/** Routes below `/api/metrics`. `now` in Unix milliseconds. */
export function metricRoutes(settings: AlertSettings, now: () => number): Hono<OperatorEnv> {
  const app = new Hono<OperatorEnv>()
  app.get('/', needs('runs.read'), async () => {
    const state = await readAlerts(settings.book)
    const facts = await readFacts(settings, state, now())
    const text = openMetrics(gaugesOf(facts, state, await readToday(settings.book, now())))
    return new Response(text, { headers: { 'content-type': OPEN_METRICS } })
  })
  return app
}

async function readToday(book: D1Database, now: number): Promise<Today> {
  const { figures, asOf } = await chartMoney(book)(dayChart(now))
  const { charged, charges } = figures[0]?.sums ?? { charged: 0, charges: 0 }
  return { charged, charges, asOf }
}

/** Every gauge that the facts have a value for. Pure. */
export function gaugesOf(facts: AlertFacts, { alerts }: Pick<AlertState, 'alerts'>, today: Today): Gauge[] {
  const { now } = facts
  const open = alerts.filter(isOpenAlert)
  const ages = (seen: [Labels, number | null][]): [Labels, number][] =>
    seen.flatMap(([labels, at]) => (at === null ? [] : [[labels, (now - at) / 1000]]))
  return [
    ...runGauges(facts, ages),
    {
      name: 'alerts',
      help: 'Open alerts.',
      values: (['critical', 'warning', 'info'] as const).map((severity) => [
        { severity },
        open.filter((alert) => alert.severity === severity).length,
      ]),
    },
    ...chainGauges(facts, ages),
    ...moneyGauges(facts),
    {
      name: 'charged_today',
      unit: 'dollars',
      help: 'Charged since 0:00 UTC, as far as accounts have reported it.',
      values: [[{}, today.charged / 1e6]],
    },
    { name: 'charges_today', help: 'Paid requests since 0:00 UTC.', values: [[{}, today.charges]] },
    {
      name: 'figures_age',
      unit: 'seconds',
      help: 'The time since an account last reported charges.',
      values: ages([[{}, today.asOf]]),
    },
  ]
}

type Ages = (seen: [Labels, number | null][]) => [Labels, number][]

const STATUSES = ['settled', 'in_doubt', 'failed', 'abandoned'] as const

function runGauges({ runs = [], findings = [] }: AlertFacts, ages: Ages): Gauge[] {
  const codes = [...new Set(findings.map(({ what }) => what))].toSorted()
  return [
    {
      name: 'run_age',
      unit: 'seconds',
      help: 'The time since the last ended run of a kind began.',
      values: ages(runs.map(({ kind, last }) => [{ kind }, last?.startedAt ?? null])),
    },
    {
      name: 'run_settled_age',
      unit: 'seconds',
      help: 'The time since the last settled run of a kind began.',
      values: ages(runs.map(({ kind, settledAt }) => [{ kind }, settledAt])),
    },
    {
      name: 'run_status',
      help: 'The status of the last ended run of a kind: 1 for the one that it has.',
      values: runs.flatMap(({ kind, last }) =>
        last
          ? STATUSES.map((status): [Labels, number] => [{ kind, status }, status === last.status ? 1 : 0])
          : [],
      ),
    },
    {
      name: 'findings',
      help: 'Findings of the last complete runs and of the watches since, by code.',
      values: codes.map((what) => [{ what }, findings.filter((finding) => finding.what === what).length]),
    },
  ]
}

function chainGauges(
  { now, watches = [], nodes = [], relayers = [], withdrawals = [] }: AlertFacts,
  ages: Ages,
): Gauge[] {
  const gas = (value: (relayer: RelayerFact & { balance: bigint }) => string | null): [Labels, string][] =>
    relayers.flatMap(({ address, network, balance, runCost }) => {
      const gauge = balance === null ? null : value({ address, network, balance, runCost })
      return gauge === null ? [] : [[{ network, address }, gauge]]
    })
  return [
    {
      name: 'watch_age',
      unit: 'seconds',
      help: 'The time since the withdrawal watch last read the chain.',
      values: ages(watches.map(({ network, seenAt }) => [{ network }, seenAt])),
    },
    {
      name: 'head_age',
      unit: 'seconds',
      help: 'The age of the newest block of a node.',
      values: nodes.flatMap(({ host, network, head }) =>
        head ? [[{ network, node: host }, Math.max(0, now - head.time) / 1000]] : [],
      ),
    },
    {
      name: 'node_up',
      help: '1 if the node has answered.',
      values: nodes.map(({ host, network, head }) => [{ network, node: host }, head ? 1 : 0]),
    },
    {
      name: 'relayer_balance',
      help: 'The gas money of the relayer, in the native token.',
      values: gas(({ balance }) => decimal(balance, 18)),
    },
    {
      name: 'relayer_nights',
      help: 'How many nightly runs the gas money pays for, each as dear as the dearest of the last week.',
      values: gas(({ balance, runCost }) => (runCost > 0n ? decimal((balance * 100n) / runCost, 2) : null)),
    },
    { name: 'withdrawals', help: 'Channels whose payer withdraws.', values: [[{}, withdrawals.length]] },
    {
      name: 'withdrawals_unclaimed',
      unit: 'dollars',
      help: 'Unclaimed on channels whose payer withdraws.',
      values: [[{}, dollars(withdrawals.reduce((sum, { unclaimed }) => sum + (unclaimed ?? 0n), 0n))]],
    },
  ]
}

/** Sums of all accounts are those of the last settlement run. */
function moneyGauges({ now, runs = [], invoices, closed }: AlertFacts): Gauge[] {
  const last = runs.find(({ kind }) => kind === 'settlement')?.last
  const { sums, exact } = (last?.record ?? {}) as {
    sums?: { charged: string; redeemed: string }
    exact?: { inDoubt: number; undelivered: number }
  }
  const of = (value: number | string | undefined): [Labels, number | string][] =>
    value === undefined ? [] : [[{}, value]]
  const pastDue = invoices?.filter(({ stage }) => stage === 'past_due' || stage === 'suspended')
  return [
    {
      name: 'unclaimed',
      unit: 'dollars',
      help: 'Charged on channels and not redeemed, as of the last settlement run.',
      values: of(sums && dollars(BigInt(sums.charged) - BigInt(sums.redeemed))),
    },
    {
      name: 'sums_age',
      unit: 'seconds',
      help: 'The time since the run that the sums of all accounts are from.',
      values: of(sums && last ? (now - last.startedAt) / 1000 : undefined),
    },
    {
      name: 'exact_in_doubt',
      help: 'Payments by exact without a known outcome.',
      values: of(exact?.inDoubt),
    },
    {
      name: 'exact_undelivered',
      help: 'Payments by exact that arrived and bought nothing.',
      values: of(exact?.undelivered),
    },
    { name: 'invoices_past_due', help: 'Invoices past due.', values: of(pastDue?.length) },
    {
      name: 'invoices_past_due_owed',
      unit: 'dollars',
      help: 'Owed on invoices past due, with VAT.',
      values: of(pastDue && dollars(pastDue.reduce((sum, invoice) => sum + owedOn(invoice), 0n))),
    },
    { name: 'agents_closed', help: 'Agents whose credit line rejects charges.', values: of(closed?.length) },
  ]
}

function dollars(amount: bigint): string {
  return decimal(amount, 6)
}

/** A decimal number with so many places, without a detour over a float. */
function decimal(units: bigint, places: number): string {
  const digits = (units < 0n ? -units : units).toString().padStart(places + 1, '0')
  return `${units < 0n ? '-' : ''}${digits.slice(0, -places)}.${digits.slice(-places)}`
}

/** Writes gauges as OpenMetrics text 1.0. */
export function openMetrics(gauges: readonly Gauge[]): string {
  const families = gauges
    .filter(({ values }) => values.length > 0)
    .map(({ name, unit, help, values }) => {
      const full = `tab402_${name}${unit ? `_${unit}` : ''}`
      const head = [
        `# TYPE ${full} gauge`,
        ...(unit ? [`# UNIT ${full} ${unit}`] : []),
        `# HELP ${full} ${escaped(help)}`,
      ]
      return [...head, ...values.map(([labels, value]) => `${full}${labelsOf(labels)} ${value}`)].join('\n')
    })
  return [...families, '# EOF', ''].join('\n')
}

function labelsOf(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`)
  return pairs.length > 0 ? `{${pairs.join(',')}}` : ''
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
