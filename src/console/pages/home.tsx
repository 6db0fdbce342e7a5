/** Home: what needs the operator first, then what was earned, what is owed, and who paid for what. */
import { may, type Principal } from '../../people/principal.ts'
import type {
  AlertsBody,
  FigureBody,
  FiguresBody,
  InvoiceBody as Invoice,
  ListedBody as Listed,
  Paged,
  RunBody as Run,
  TotalsBody,
} from '../answers.ts'
import type { Ask, Reply } from '../edge.ts'
import {
  crawlerName,
  DAY,
  figuresIn,
  OTHER,
  type Ranked,
  ranked,
  SHOWN_DAYS,
  shownDays,
  totalOf,
} from '../figures.ts'
import { Badge } from '../parts/badges.tsx'
import { DailyBars } from '../parts/chart.tsx'
import { dayText, dollars, Money, Time, Trend } from '../parts/figures.tsx'
import { NeedList, needsOfAlerts, needsOfBook } from '../parts/needs.tsx'
import { Head, PageSection, Trouble } from '../parts/page.tsx'
import { Ranking } from '../parts/ranking.tsx'
import { RUN_NAMES, RunState } from '../parts/run.tsx'
import { Nothing, Table } from '../parts/table.tsx'
import { type Compared, Tile, Tiles } from '../parts/tile.tsx'
import { type PageHandler, type Routes, show, trouble } from '../shell.tsx'
import { StageBadge } from './invoices.tsx'

/** Names that a table and a chart show apart from the others. */
const TOP = 6

/** What needs the operator and is shown at once. The page of alerts has all. */
const MOST_NEEDS = 5

const home: PageHandler = async (c) => {
  const now = Date.now()
  const { ask, who } = c.get('desk')
  const read = await readHome(ask, who, now)
  const failed = Object.values(read).find((reply) => reply !== null && !reply.ok && reply.status >= 500)
  if (failed && !failed.ok) return trouble(c, 'Home', failed)
  const { runs, invoices } = read
  const nights = valueIn(runs)?.runs.filter(({ kind }) => kind !== 'watch') ?? []
  const open = valueIn(invoices)?.invoices.filter(({ owed }) => BigInt(owed) > 0n) ?? []
  return show(
    c,
    'Home',
    <>
      <Head title="Home" asOf={now} sources={['book']} />
      {runs && <Needs {...read} nights={nights} open={open} now={now} />}
      <Totals {...read} now={now} />
      <Earned {...read} now={now} />
      {runs && (
        <div class="two">
          <LastRuns of={nights} />
          {invoices && <OpenInvoices of={open} />}
        </div>
      )}
    </>,
  )
}

type Read = {
  alerts: Reply<AlertsBody> | null
  runs: Reply<{ runs: Run[] }> | null
  accounts: Reply<Paged<'accounts', Listed>> | null
  invoices: Reply<Paged<'invoices', Invoice, number>> | null
  totals: Reply<TotalsBody> | null
  hours: Reply<FiguresBody>
  lastWeek: Reply<FiguresBody>
  sites: Reply<FiguresBody>
  crawlers: Reply<FiguresBody>
  paths: Reply<FiguresBody>
}

/** The paths of {@link Read}, of which a role is refused what it may not see. */
function pathsOf(now: number): Record<keyof Read, string> {
  const { before, today } = shownDays(now)
  const top = (name: string) =>
    `/figures?interval=day&from=${before}&limit=5000&source=book&by=${name}&top=${TOP}`
  const hoursOf = (day: number) => `/figures?interval=hour&source=book&from=${day}&to=${day + DAY}`
  return {
    alerts: '/alerts',
    runs: '/runs?limit=20',
    accounts: '/accounts?state=stopped&limit=20',
    invoices: '/invoices?sort=-owed&limit=20',
    totals: '/totals',
    hours: hoursOf(today),
    lastWeek: hoursOf(today - 7 * DAY),
    sites: top('site'),
    crawlers: top('who'),
    paths: top('path'),
  }
}

/** One round of queries. Null is what the principal may not see. */
async function readHome(ask: Ask, who: Principal, now: number): Promise<Read> {
  const [seesMoney, seesRuns] = [may(who, 'money.read'), may(who, 'runs.read')]
  const asked = pathsOf(now)
  const [alerts, runs, accounts, invoices, totals, hours, lastWeek, sites, crawlers, paths] =
    await Promise.all([
      seesRuns ? ask<AlertsBody>(asked.alerts) : null,
      seesRuns ? ask<{ runs: Run[] }>(asked.runs) : null,
      seesMoney ? ask<Paged<'accounts', Listed>>(asked.accounts) : null,
      seesMoney ? ask<Paged<'invoices', Invoice, number>>(asked.invoices) : null,
      seesMoney ? ask<TotalsBody>(asked.totals) : null,
      ask<FiguresBody>(asked.hours),
      ask<FiguresBody>(asked.lastWeek),
      ask<FiguresBody>(asked.sites),
      ask<FiguresBody>(asked.crawlers),
      ask<FiguresBody>(asked.paths),
    ])
  return { alerts, runs, accounts, invoices, totals, hours, lastWeek, sites, crawlers, paths }
}

function valueIn<Value>(reply: Reply<Value> | null): Value | null {
  return reply?.ok ? reply.value : null
}

type NeedsProps = Read & { nights: readonly Run[]; open: readonly Invoice[]; now: number }

function Needs({ alerts, accounts, nights, open, now }: NeedsProps) {
  const raised = valueIn(alerts)
  // Until the first watch has looked for alerts, the book says what it can.
  const isWatched = raised !== null && raised.lastAt !== null
  const needs = isWatched
    ? needsOfAlerts(raised.alerts, now)
    : needsOfBook(nights, open, valueIn(accounts)?.accounts ?? [])
  return (
    <PageSection
      title="Needs you"
      id="needs"
      note={needs.length > 0 && `${needs.length} open, worst first`}
      isLive
    >
      {needs.length === 0 ? (
        <p class="calm">
          <Badge mood="good">Clear</Badge> Nothing needs you now.
        </p>
      ) : (
        <>
          <NeedList of={needs.slice(0, MOST_NEEDS)} />
          {needs.length > MOST_NEEDS && (
            <p class="gap">
              <a href="/alerts">{`All ${needs.length} alerts`}</a>
            </p>
          )}
        </>
      )}
    </PageSection>
  )
}

function Totals({ hours, lastWeek, sites, totals, now }: Read & { now: number }) {
  const figures = [...(figuresIn(hours, 'book') ?? []), ...(figuresIn(lastWeek, 'book') ?? [])]
  const rows = figuresIn(sites, 'book')
  const month = rows && totalOf(ranked(rows, 'site', shownDays(now).from))
  const money = valueIn(totals)
  return (
    <Tiles>
      <Tile title="Earned today" {...earnedToday(figuresIn(hours, 'book') && figures, month, now)} />
      {money && <Tile title="Received today" {...receivedToday(money, now)} />}
      {money && <Tile title="Owed to us" {...owedNow(money)} />}
      {money && <Tile title="At risk" {...atRisk(money)} />}
    </Tiles>
  )
}

const HOUR = DAY / 24

type TileFigures = Pick<Parameters<typeof Tile>[0], 'value' | 'compared' | 'note'>

/** Today against the same weekday a week ago, both up to the last whole hour; and thirty days against the thirty before. */
function earnedToday(figures: readonly FigureBody[] | null, month: Ranked | null, now: number): TileFigures {
  if (!figures) return { value: null, note: 'Figures appear within five minutes of the first paid request.' }
  const { today } = shownDays(now)
  const whole = Math.floor(now / HOUR) * HOUR
  const between = (from: number, to: number) =>
    figures.reduce(
      (sum, { hour = 0, charged = '0' }) => (hour >= from && hour < to ? sum + BigInt(charged) : sum),
      0n,
    )
  const lastWeek = between(today - 7 * DAY, whole - 7 * DAY)
  const compared: readonly Compared[] = [
    ['Last week', <Money of={lastWeek} />, <Trend now={between(today, whole)} before={lastWeek} isGood />],
    ...(month
      ? [
          [
            '30 days',
            <Money of={month.earned} />,
            <Trend now={month.earned} before={month.before} isGood />,
          ] as const,
        ]
      : []),
  ]
  return { value: <Money of={between(today, Number.MAX_SAFE_INTEGER)} />, compared }
}

/** Claims, paid invoices and payments by exact. The days before the first receipt are unknown, and not 0. */
function receivedToday({ receipts, since }: TotalsBody, now: number): TileFigures {
  if (since === null) return { value: null, note: 'Appears with the first claim or paid invoice.' }
  const { before, from, today } = shownDays(now)
  const between = (first: number, to: number) =>
    receipts.reduce((sum, { day, received }) => (day >= first && day < to ? sum + BigInt(received) : sum), 0n)
  const month = between(from, Number.MAX_SAFE_INTEGER)
  const isWhole = since <= before
  const compared: readonly Compared[] = [
    ['Yesterday', <Money of={between(today - DAY, today)} />, ''],
    [
      '30 days',
      <Money of={month} />,
      isWhole ? (
        <Trend now={month} before={between(before, from)} isGood />
      ) : (
        <span title={`Counted since ${dayText(since)}`}>so far</span>
      ),
    ],
  ]
  return { value: <Money of={between(today, Number.MAX_SAFE_INTEGER)} />, compared }
}

function owedNow({ owed }: TotalsBody): TileFigures {
  const { channel, credit, accounts } = owed
  return {
    value: <Money of={BigInt(channel) + BigInt(credit)} />,
    compared: [
      ['Channels', <Money of={channel} />, 'to claim'],
      ['Credit', <Money of={credit} />, <a href="/accounts?state=owing&sort=-owed">{`${accounts} owe`}</a>],
    ],
  }
}

function atRisk({ owed: { withdrawing, stopped, late } }: TotalsBody): TileFigures {
  return {
    value: <Money of={BigInt(withdrawing) + BigInt(stopped) + BigInt(late)} />,
    compared: [
      ['Withdrawn', <Money of={withdrawing} />, 'unclaimed'],
      ['Stopped', <Money of={BigInt(stopped) + BigInt(late)} />, 'or late'],
    ],
  }
}

function Earned({ sites, crawlers, paths, runs, now }: Read & { now: number }) {
  if (!sites.ok) return <Trouble problem={sites.problem} />
  const { from, days } = shownDays(now)
  const rows = ranked(figuresIn(sites, 'book') ?? [], 'site', from)
  if (rows.length === 0)
    return (
      <PageSection title="Earned per day, by site" id="earned">
        <Nothing
          what="No data yet. Figures appear within five minutes of the first paid request."
          next={runs && <a href="/setup">See what is still to set up</a>}
        />
      </PageSection>
    )
  const siteName = (name: string) => (name === OTHER ? 'Other sites' : name)
  const siteLink = (name: string) =>
    name === OTHER ? 'Other sites' : <a href={`/sites/${encodeURIComponent(name)}`}>{name}</a>
  return (
    <>
      <PageSection
        title="Earned per day, by site"
        id="earned"
        note={`${dollars(totalOf(rows).earned)} in ${SHOWN_DAYS} days`}
        isLive
      >
        <DailyBars id="chart" title="Earned per day, by site" series={rows} nameOf={siteName} days={days} />
      </PageSection>
      <PageSection title="Sites" id="sites" note={<a href="/sites">All sites</a>} isLive>
        <Ranking
          caption="Sites by money earned"
          head="Site"
          all="All sites"
          rows={rows}
          cell={siteLink}
          empty={{ what: 'No site has earned anything yet.' }}
          isColoured
        />
      </PageSection>
      <div class="two">
        <PageSection title="Crawlers" id="crawlers" note={<a href="/crawlers">All crawlers</a>} isLive>
          <Ranking
            caption="Crawlers by money earned"
            head="Crawler"
            all="All crawlers"
            rows={ranked(figuresIn(crawlers, 'book') ?? [], 'who', from)}
            cell={(who) => <CrawlerLink who={who} />}
            empty={{ what: 'No crawler has paid yet.' }}
          />
        </PageSection>
        <PageSection title="Paths" id="paths" note="The first two segments" isLive>
          <Ranking
            caption="Paths by money earned"
            head="Path"
            all="All paths"
            rows={ranked(figuresIn(paths, 'book') ?? [], 'path', from)}
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
          { title: 'Run', cell: ({ id, kind }) => <a href={`/runs/${id}`}>{RUN_NAMES[kind]}</a> },
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
export const homePages: Routes = [{ path: '/', ahead: (now) => Object.values(pathsOf(now)), get: home }]
