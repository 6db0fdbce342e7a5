/** Crawlers: the amounts that each paid and was asked for, and one of them by site and path. */
import type { FigureBody, FiguresBody } from '../answers.ts'
import { crawlerName, OTHER, type Ranked, ranked, SHOWN_DAYS, shownDays, totalOf } from '../figures.ts'
import { type ReadRows, sortedHere } from '../list.ts'
import { DailyBars } from '../parts/chart.tsx'
import { dollars, Money, Percent, Trend, Whole } from '../parts/figures.tsx'
import { type ListSpec, listPage } from '../parts/list.tsx'
import { Head, PageSection } from '../parts/page.tsx'
import { Ranking } from '../parts/ranking.tsx'
import { Nothing, Table } from '../parts/table.tsx'
import { Tile, Tiles } from '../parts/tile.tsx'
import { type PageHandler, type Routes, show, trouble } from '../shell.tsx'
import { CrawlerLink } from './home.tsx'

/** Crawlers that are listed apart: the most that the API takes. */
const MOST = 50

/** A crawler of the list: what it paid, and how often it was asked in vain. `unpaid` is null where traffic is not counted. */
type Crawler = Ranked & { unpaid: number | null }

const COLUMNS: ListSpec<Crawler>['columns'] = [
  {
    title: 'Crawler',
    key: 'name',
    sort: 'up',
    value: ({ name }) => name,
    cell: ({ name }) => <CrawlerLink who={name} />,
  },
  {
    title: 'Paid',
    key: 'paid',
    sort: 'down',
    kind: 'n',
    value: ({ paid }) => paid,
    cell: ({ paid }) => <Whole of={paid} />,
  },
  {
    title: '402s',
    key: 'unpaid',
    sort: 'down',
    kind: 'n',
    value: ({ unpaid }) => unpaid,
    cell: ({ unpaid }) => <Counted of={unpaid ?? undefined} />,
  },
  {
    title: 'Paid of asked',
    key: 'share',
    sort: 'down',
    kind: 'n',
    value: ({ paid, unpaid }) => (unpaid === null || paid + unpaid === 0 ? null : paid / (paid + unpaid)),
    cell: ({ paid, unpaid }) => <Conversion paid={paid} unpaid={unpaid ?? undefined} />,
  },
  {
    title: 'Earned before',
    key: 'before',
    isFileOnly: true,
    value: ({ before }) => before,
    cell: () => '',
  },
  {
    title: 'Earned',
    key: 'earned',
    sort: 'down',
    kind: 'lead',
    value: ({ earned }) => earned,
    cell: ({ earned }) => <Money of={earned} />,
  },
  {
    title: 'Change',
    key: 'change',
    kind: 'change',
    cell: ({ earned, before }) => <Trend now={earned} before={before} isGood />,
  },
]
const FILTERS = [{ name: 'text', label: 'Find', hint: 'GPTBot' }] as const

const list: PageHandler = async (c) => {
  const { ask } = c.get('desk')
  const { before, from } = shownDays(Date.now())
  const [money, traffic] = await Promise.all([
    ask<FiguresBody>(`/figures?interval=day&source=book&by=who&top=${MOST}&from=${before}&limit=5000`),
    ask<FiguresBody>(`/figures?interval=day&source=traffic&by=who&from=${from}&limit=5000`),
  ])
  if (!money.ok) return trouble(c, 'Crawlers', money)
  const counted = traffic.ok && traffic.value.sources.traffic?.isReadable ? traffic.value : null
  const unpaid = counted && trafficBy(counted.figures, ({ who = '' }) => who)
  const rows = ranked(money.value.figures, 'who', from).map((row): Crawler => {
    return { ...row, unpaid: unpaid?.get(row.name)?.unpaid ?? null }
  })
  const all: ReadRows<Crawler> = async () => ({ ...money, value: { rows, next: null } })
  const isCut = counted?.next ? 'The latest days are left out: too many names' : `The last ${SHOWN_DAYS} days`
  return listPage<Crawler>({
    title: 'Crawlers',
    heading: 'Paying crawlers',
    caption: 'Crawlers by money earned',
    note: `The last ${SHOWN_DAYS} days. A name that is claimed is not confirmed`,
    sources: ['book', 'traffic'],
    filters: FILTERS,
    sort: '-earned',
    columns: COLUMNS,
    read: sortedHere(COLUMNS, FILTERS, all),
    empty: {
      what: 'No crawler has paid yet. It appears here within five minutes of its first payment.',
      next: (
        <>
          See what a crawler is asked: <a href="/policy">try a URL</a>.
        </>
      ),
    },
    below: (
      <PageSection title="Asked, and nothing paid" id="asked" note={isCut}>
        {unpaid ? (
          <Unpaid of={unpaid} paying={rows} />
        ) : (
          <Nothing what="Traffic cannot be read. docs/figures.md says which token the edge Worker needs." />
        )}
      </PageSection>
    ),
  })(c)
}

type Counts = {
  unpaid: number
  asked: bigint
  free: number
  blocked: number
  refused: number
  errors: number
}

function trafficBy(
  figures: readonly FigureBody[],
  nameOf: (figure: FigureBody) => string,
): Map<string, Counts> {
  const found = new Map<string, Counts>()
  for (const figure of figures) {
    const { unpaid = 0, asked = '0', free = 0, blocked = 0, refused = 0, errors = 0 } = figure
    const name = nameOf(figure)
    const one = found.get(name) ?? { unpaid: 0, asked: 0n, free: 0, blocked: 0, refused: 0, errors: 0 }
    found.set(name, {
      unpaid: one.unpaid + unpaid,
      asked: one.asked + BigInt(asked),
      free: one.free + free,
      blocked: one.blocked + blocked,
      refused: one.refused + refused,
      errors: one.errors + errors,
    })
  }
  return found
}

/** A count; a dash where nothing was counted. */
function Counted({ of }: { of: number | undefined }) {
  return of === undefined ? '—' : <Whole of={of} />
}

/** Paid requests of those that were asked to pay. */
function Conversion({ paid, unpaid }: { paid: number; unpaid: number | undefined }) {
  const all = paid + (unpaid ?? 0)
  return unpaid === undefined || all === 0 ? '—' : <Percent of={paid} in={all} />
}

function Unpaid({ of, paying }: { of: Map<string, Counts>; paying: readonly Ranked[] }) {
  const paid = new Set(paying.map(({ name }) => name))
  const rows = [...of].filter(([name, { unpaid, blocked }]) => !paid.has(name) && unpaid + blocked > 0)
  return (
    <Table
      caption="Crawlers that were asked and paid nothing"
      rows={rows.sort(([, a], [, b]) => b.unpaid - a.unpaid).slice(0, MOST)}
      empty={{ what: 'No crawler has been asked in vain.' }}
      columns={[
        { title: 'Crawler', cell: ([who]) => <CrawlerLink who={who} /> },
        { title: '402s', kind: 'n', cell: ([, { unpaid }]) => <Whole of={unpaid} /> },
        { title: 'Blocked', kind: 'n', cell: ([, { blocked }]) => <Whole of={blocked} /> },
        { title: 'Free', kind: 'n', cell: ([, { free }]) => <Whole of={free} /> },
        { title: 'Asked for', kind: 'lead', cell: ([, { asked }]) => <Money of={asked} /> },
      ]}
    />
  )
}

const one: PageHandler = async (c) => {
  const { ask } = c.get('desk')
  const who = c.req.param('name') ?? ''
  const { before, from, days } = shownDays(Date.now())
  const of = `/figures?interval=day&from=${before}&limit=5000&who=${encodeURIComponent(who)}`
  const [sites, paths, traffic] = await Promise.all([
    ask<FiguresBody>(`${of}&source=book&by=site&top=6`),
    ask<FiguresBody>(`${of}&source=book&by=path&top=12`),
    ask<FiguresBody>(`${of}&source=traffic`),
  ])
  if (!sites.ok) return trouble(c, 'Crawler', sites)
  const counted = traffic.ok && traffic.value.sources.traffic?.isReadable ? traffic.value.figures : null
  const rows = ranked(sites.value.figures, 'site', from)
  if (rows.length === 0 && !counted?.length) return show(c, 'Crawler', <Unseen who={who} />, 404)
  const siteName = (name: string) => (name === OTHER ? 'Other sites' : name)
  return show(
    c,
    crawlerName(who),
    <>
      <Head
        title={crawlerName(who)}
        above={{ href: '/crawlers', title: 'Crawlers' }}
        asOf={sites.at}
        sources={['book', 'traffic']}
      >
        <a class="btn" href={`/policy?url=/&as=${encodeURIComponent(who.replace(/^~/, ''))}`}>
          Try a URL as this crawler
        </a>
      </Head>
      <Totals of={totalOf(rows)} traffic={counted} from={from} />
      <PageSection
        title="Paid per day, by site"
        id="earned"
        note={`${dollars(totalOf(rows).earned)} in ${SHOWN_DAYS} days`}
      >
        {rows.length === 0 ? (
          <Nothing what="This crawler has paid nothing in these days." />
        ) : (
          <DailyBars
            id="chart"
            title={`Paid per day by ${crawlerName(who)}, by site`}
            series={rows}
            nameOf={siteName}
            days={days}
          />
        )}
      </PageSection>
      <PageSection title="Paths" id="paths" note="The first two segments">
        <Ranking
          caption="Paths by money earned"
          head="Path"
          all="All paths"
          rows={ranked(paths.ok ? paths.value.figures : [], 'path', from)}
          cell={(path) => (path === OTHER ? 'Other paths' : <code>{path}</code>)}
          empty={{ what: 'This crawler has bought nothing in these days.' }}
        />
      </PageSection>
    </>,
  )
}

function Unseen({ who }: { who: string }) {
  return (
    <>
      <Head title={crawlerName(who)} above={{ href: '/crawlers', title: 'Crawlers' }} />
      <Nothing what={`No request of this name was counted in the last ${SHOWN_DAYS} days.`} />
    </>
  )
}

function Totals({ of, traffic, from }: { of: Ranked; traffic: FigureBody[] | null; from: number }) {
  const counts = traffic && trafficBy(traffic, ({ day = 0 }) => (day < from ? 'before' : 'now'))
  const [now, before] = [counts?.get('now'), counts?.get('before')]
  return (
    <Tiles>
      <Tile
        title={`Paid in ${SHOWN_DAYS} days`}
        value={<Money of={of.earned} />}
        compared={[['Before', <Money of={of.before} />, <Trend now={of.earned} before={of.before} isGood />]]}
      />
      <Tile
        title="Paid requests"
        value={<Whole of={of.paid} />}
        compared={now ? [['Paid share', <Conversion paid={of.paid} unpaid={now.unpaid} />, '']] : null}
      />
      <Tile
        title="Asked and not paid"
        value={now ? <Whole of={now.unpaid} /> : null}
        compared={
          now
            ? [
                ['Before', <Counted of={before?.unpaid} />, ''],
                ['Asked for', <Money of={now.asked} />, 'at list price'],
              ]
            : null
        }
      />
      <Tile
        title="Blocked"
        value={now ? <Whole of={now.blocked} /> : null}
        compared={
          now
            ? [
                ['Refused', <Whole of={now.refused} />, 'payments'],
                ['Free', <Whole of={now.free} />, 'requests'],
              ]
            : null
        }
      />
    </Tiles>
  )
}

/** The pages of crawlers. */
export const crawlerPages: Routes = [
  { path: '/crawlers', get: list },
  { path: '/crawlers/:name', get: one },
]
