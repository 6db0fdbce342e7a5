/** Home: what needs the operator first, then what was earned, what is owed, and who paid for what. */
import type {
  AlertsBody,
  FigureBody,
  FiguresBody,
  InvoiceBody as Invoice,
  ListedBody as Listed,
  Paged,
  RunBody as Run,
} from '../answers.ts'
import type { Ask, Reply } from '../edge.ts'
import { crawlerName, DAY, OTHER, ranked, SHOWN_DAYS, shownDays, totalOf } from '../figures.ts'
import { DailyBars } from '../parts/chart.tsx'
import { dollars, Money, Time, Trend, Whole } from '../parts/figures.tsx'
import { NeedList, needsOfAlerts, needsOfBook } from '../parts/needs.tsx'
import { Head, PageSection, Trouble } from '../parts/page.tsx'
import { Ranking } from '../parts/ranking.tsx'
import { RunState } from '../parts/run.tsx'
import { Nothing, Table } from '../parts/table.tsx'
import { type Compared, Tile, Tiles } from '../parts/tile.tsx'
import { type PageHandler, type Routes, show, trouble } from '../shell.tsx'
import { StageBadge } from './invoices.tsx'

/** Names that a table and a chart show apart from the others. */
const TOP = 6

const home: PageHandler = async (c) => {
  const now = Date.now()
  const read = await readHome(c.get('desk').ask, now)
  const { runs, accounts, invoices, alerts } = read
  if (!runs.ok) return trouble(c, 'Home', runs)
  const nights = runs.value.runs.filter(({ kind }) => kind !== 'watch')
  const owing = accounts.ok ? accounts.value.accounts : []
  const open = invoices.ok ? invoices.value.invoices.filter(({ owed }) => BigInt(owed) > 0n) : []
  // Until the first watch has looked for alerts, the book says what it can.
  const isWatched = alerts.ok && alerts.value.lastAt !== null
  const needs = isWatched ? needsOfAlerts(alerts.value.alerts, now) : needsOfBook(nights, open, owing)
  return show(
    c,
    'Home',
    <>
      <Head title="Home" asOf={runs.at} sources={['book', 'traffic']} />
      <PageSection
        title="Needs you"
        id="needs"
        note={needs.length > 0 && `${needs.length} open, worst first`}
      >
        {needs.length === 0 ? <p>Nothing needs you now.</p> : <NeedList of={needs} />}
      </PageSection>
      <Totals {...read} now={now} />
      <Earned {...read} now={now} />
      <div class="two">
        <LastRuns of={nights} />
        <OpenInvoices of={open} />
      </div>
    </>,
  )
}

type Read = {
  alerts: Reply<AlertsBody>
  runs: Reply<{ runs: Run[] }>
  accounts: Reply<Paged<'accounts', Listed>>
  invoices: Reply<Paged<'invoices', Invoice, number>>
  hours: Reply<FiguresBody>
  traffic: Reply<FiguresBody>
  sites: Reply<FiguresBody>
  crawlers: Reply<FiguresBody>
  paths: Reply<FiguresBody>
}

/** One round of queries. */
async function readHome(ask: Ask, now: number): Promise<Read> {
  const { before, today } = shownDays(now)
  const days = `/figures?interval=day&from=${before}&limit=5000`
  const top = (name: string) => ask<FiguresBody>(`${days}&source=book&by=${name}&top=${TOP}`)
  const [alerts, runs, accounts, invoices, hours, traffic, sites, crawlers, paths] = await Promise.all([
    ask<AlertsBody>('/alerts'),
    ask<{ runs: Run[] }>('/runs?limit=50'),
    ask<Paged<'accounts', Listed>>('/accounts?limit=500'),
    ask<Paged<'invoices', Invoice, number>>('/invoices?limit=100'),
    ask<FiguresBody>(`/figures?interval=hour&source=book&from=${today - 7 * DAY}`),
    ask<FiguresBody>(`${days}&source=traffic`),
    top('site'),
    top('who'),
    top('path'),
  ])
  return { alerts, runs, accounts, invoices, hours, traffic, sites, crawlers, paths }
}

/** Null where the source has no figure yet, or cannot be read. */
function figuresOf(reply: Reply<FiguresBody>, source: 'book' | 'traffic'): FigureBody[] | null {
  if (!reply.ok) return null
  const state = reply.value.sources[source]
  return state?.isReadable && state.asOf !== null ? reply.value.figures : null
}

function Totals({ accounts, hours, traffic, sites, now }: Read & { now: number }) {
  const rows = figuresOf(sites, 'book')
  const month = rows && totalOf(ranked(rows, 'site', shownDays(now).from))
  const { value, ...today } = earnedToday(figuresOf(hours, 'book'), now)
  const listed = accounts.ok ? accounts.value : null
  const owed = listed?.accounts.reduce((sum, { totals }) => sum + (totals ? owedOn(totals) : 0n), 0n)
  const asked = unpaidIn(figuresOf(traffic, 'traffic'), shownDays(now).from)
  return (
    <Tiles>
      <Tile title="Earned today" value={value} {...today} />
      <Tile
        title={`Earned in ${SHOWN_DAYS} days`}
        value={month && <Money of={month.earned} />}
        compared={
          month && [
            [
              'Before',
              <Money of={month.before} />,
              <Trend now={month.earned} before={month.before} isGood />,
            ],
            ['Paid', <Whole of={month.paid} />, 'requests'],
          ]
        }
      />
      <Tile
        title="Owed to us"
        value={owed !== undefined && <Money of={owed} />}
        note={
          listed?.next
            ? 'On the first 500 accounts: charged, not yet redeemed.'
            : 'Charged, not yet redeemed.'
        }
      />
      <Tile title="Asked and not paid" {...asked} />
    </Tiles>
  )
}

function owedOn({ charged, redeemed }: { charged: string; redeemed: string }): bigint {
  return BigInt(charged) - BigInt(redeemed)
}

const HOUR = DAY / 24

/** Today against the same weekday a week ago, both up to the last whole hour. */
function earnedToday(figures: readonly FigureBody[] | null, now: number) {
  if (!figures) return { value: null }
  const { today } = shownDays(now)
  const whole = Math.floor(now / HOUR) * HOUR
  const between = (from: number, to: number) =>
    figures.reduce(
      (sum, { hour = 0, charged = '0' }) => (hour >= from && hour < to ? sum + BigInt(charged) : sum),
      0n,
    )
  const [lastWeek, yesterday] = [between(today - 7 * DAY, whole - 7 * DAY), between(today - DAY, today)]
  const compared: readonly Compared[] = [
    ['Last week', <Money of={lastWeek} />, <Trend now={between(today, whole)} before={lastWeek} isGood />],
    ['Yesterday', <Money of={yesterday} />, 'all day'],
  ]
  return { value: <Money of={between(today, Number.MAX_SAFE_INTEGER)} />, compared }
}

/** Requests that were answered 402, and what they were asked for. */
function unpaidIn(figures: readonly FigureBody[] | null, from: number) {
  if (!figures) return { value: null }
  const sum = (first: number, to: number) =>
    figures.reduce(
      (all, { day = 0, unpaid = 0, asked = '0' }) =>
        day >= first && day < to ? { unpaid: all.unpaid + unpaid, asked: all.asked + BigInt(asked) } : all,
      { unpaid: 0, asked: 0n },
    )
  const [now, before] = [sum(from, Number.MAX_SAFE_INTEGER), sum(0, from)]
  const compared: readonly Compared[] = [
    [
      'Before',
      <Whole of={before.unpaid} />,
      <Trend now={BigInt(now.unpaid)} before={BigInt(before.unpaid)} />,
    ],
    ['Asked for', <Money of={now.asked} />, 'at list price'],
  ]
  return { value: <Whole of={now.unpaid} />, compared }
}

function Earned({ sites, crawlers, paths, now }: Read & { now: number }) {
  const bySite = figuresOf(sites, 'book')
  if (!sites.ok) return <Trouble problem={sites.problem} />
  const { from, days } = shownDays(now)
  const rows = ranked(bySite ?? [], 'site', from)
  if (rows.length === 0)
    return (
      <PageSection title="Earned per day, by site" id="earned">
        <Nothing
          what="No data yet. Figures appear within five minutes of the first paid request."
          next={<a href="/setup">See what is still to set up</a>}
        />
      </PageSection>
    )
  const siteName = (name: string) => (name === OTHER ? 'Other sites' : name)
  return (
    <>
      <PageSection
        title="Earned per day, by site"
        id="earned"
        note={`${dollars(totalOf(rows).earned)} in ${SHOWN_DAYS} days`}
      >
        <DailyBars id="chart" title="Earned per day, by site" series={rows} nameOf={siteName} days={days} />
      </PageSection>
      <PageSection title="Sites" id="sites" note={<a href="/sites">All sites</a>}>
        <Ranking
          caption="Sites by money earned"
          head="Site"
          all="All sites"
          rows={rows}
          cell={siteName}
          empty={{ what: 'No site has earned anything yet.' }}
          isColoured
        />
      </PageSection>
      <div class="two">
        <PageSection title="Crawlers" id="crawlers" note={<a href="/crawlers">All crawlers</a>}>
          <Ranking
            caption="Crawlers by money earned"
            head="Crawler"
            all="All crawlers"
            rows={ranked(figuresOf(crawlers, 'book') ?? [], 'who', from)}
            cell={(who) => <CrawlerLink who={who} />}
            empty={{ what: 'No crawler has paid yet.' }}
          />
        </PageSection>
        <PageSection title="Paths" id="paths" note="The first two segments">
          <Ranking
            caption="Paths by money earned"
            head="Path"
            all="All paths"
            rows={ranked(figuresOf(paths, 'book') ?? [], 'path', from)}
            cell={(path) => (path === OTHER ? 'Other paths' : <code>{path}</code>)}
            empty={{ what: 'No path has earned anything yet.' }}
          />
        </PageSection>
      </div>
    </>
  )
}

/** The name of a crawler, which leads to its page where it has one. */
export function CrawlerLink({ who }: { who: string }) {
  const name = crawlerName(who)
  return who === '' || who === OTHER ? name : <a href={`/crawlers/${encodeURIComponent(who)}`}>{name}</a>
}

function LastRuns({ of: runs }: { of: readonly Run[] }) {
  return (
    <PageSection title="Last runs" id="runs" note={<a href="/runs">All runs</a>}>
      <Table
        caption="The last runs"
        rows={runs.slice(0, 5)}
        empty={{ what: 'No run has begun yet. The first one begins at 00:00 UTC.' }}
        columns={[
          { title: 'Run', cell: ({ id, kind }) => <a href={`/runs/${id}`}>{kind}</a> },
          { title: 'Began', cell: ({ startedAt }) => <Time at={startedAt} /> },
          { title: 'Findings', kind: 'n', cell: ({ record }) => record.findings?.count ?? 0 },
          { title: 'Status', kind: 'lead', cell: (run) => <RunState of={run} /> },
        ]}
      />
    </PageSection>
  )
}

function OpenInvoices({ of: invoices }: { of: readonly Invoice[] }) {
  return (
    <PageSection title="Open invoices" id="invoices" note={<a href="/invoices">All invoices</a>}>
      <Table
        caption="Open invoices"
        rows={invoices.slice(0, 5)}
        empty={{ what: 'No invoice is open.' }}
        columns={[
          { title: 'Invoice', cell: ({ id }) => <a href={`/invoices/${id}`}>{id}</a> },
          { title: 'To', cell: ({ buyer }) => buyer.name },
          { title: 'Stage', cell: (invoice) => <StageBadge of={invoice} /> },
          { title: 'Owed', kind: 'lead', cell: ({ owed }) => <Money of={owed} /> },
        ]}
      />
    </PageSection>
  )
}

/** The first page. */
export const homePages: Routes = [{ path: '/', get: home }]
