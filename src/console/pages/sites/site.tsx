/** One site: what it earned, how its crawlers were answered, its paths, its hosts, and the acts on it. */
import { may, type Principal } from '../../../people/principal.ts'
import type { FigureBody, FiguresBody, SiteBody as Site } from '../../answers.ts'
import type { Reply } from '../../edge.ts'
import { DAY, figuresIn, OTHER, SHOWN_DAYS, type SumName, shownDays, sumOf } from '../../figures.ts'
import { Badge } from '../../parts/badges.tsx'
import { Swatch } from '../../parts/chart.tsx'
import { Copied } from '../../parts/copied.tsx'
import { Money, Percent, Sum, Time, Trend, Whole } from '../../parts/figures.tsx'
import { Actor, type NameOf, namesFor } from '../../parts/names.tsx'
import { Head, PageSection } from '../../parts/page.tsx'
import { Share, Shares } from '../../parts/share.tsx'
import { Nothing, Table } from '../../parts/table.tsx'
import { Tile, Tiles } from '../../parts/tile.tsx'
import { type PageHandler, show, trouble } from '../../shell.tsx'
import { ModeBadge } from './list.tsx'

/** The page of one site. */
export const oneSite: PageHandler = async (c) => {
  const desk = c.get('desk')
  const { ask, who } = desk
  const id = encodeURIComponent(c.req.param('id') ?? '')
  const now = Date.now()
  const { from, today } = shownDays(now)
  const figures = (query: string) => ask<FiguresBody>(`/figures?site=${id}&limit=5000&${query}`)
  const [asked, hours, month, paths, nameOf] = await Promise.all([
    ask<Site>(`/sites/${id}`),
    figures(`interval=hour&from=${today - 7 * DAY}`),
    figures(`interval=day&by=who&from=${from}`),
    figures(`interval=day&by=path&source=book&top=50&from=${from}`),
    namesFor(desk),
  ])
  if (!asked.ok) return trouble(c, 'Site', asked)
  const site = asked.value
  const isServed = site.mode === 'live' || site.mode === 'shadow'
  return show(
    c,
    site.id,
    <>
      <SiteHead of={site} at={asked.at} isServed={isServed} who={who} />
      {site.draft && <DraftNotice of={site} draft={site.draft} who={who} nameOf={nameOf} />}
      <Totals hours={hours} month={month} now={now} />
      <div class="two">
        <div>
          <Answers of={month} />
          <TryOutside of={site} paths={paths} />
          <Hosts of={site} />
        </div>
        <Paths of={paths} />
      </div>
    </>,
  )
}

type HeadProps = { of: Site; at: number; isServed: boolean; who: Principal }

function SiteHead({ of: { id, publisher, published, mode }, at, isServed, who }: HeadProps) {
  const isOperator = may(who, 'sites.write')
  return (
    <Head
      title={id}
      above={{ href: '/sites', title: 'Sites' }}
      asOf={at}
      sources={['live', 'book', 'traffic']}
      meta={
        <>
          <ModeBadge mode={mode} />
          <a href={`/publishers/${publisher}`}>{publisher}</a>
          {published ? (
            <span>
              {`Policy ${published.version}, ${published.effectiveAt > at ? 'in effect from' : 'since'} `}
              <Time at={published.effectiveAt} />
            </span>
          ) : (
            <span>Not published yet</span>
          )}
        </>
      }
    >
      <a class="btn" href={`/sites/${id}/checks`}>
        Checks
      </a>
      {isServed && isOperator && (
        <a class="btn" href={`/sites/${id}/suspend`}>
          Suspend…
        </a>
      )}
      {mode === 'suspended' && isOperator && (
        <a class="btn" href={`/sites/${id}/suspend`}>
          Resume…
        </a>
      )}
      <a class="btn go" href={`/policy/${id}`}>
        {may(who, 'policy.write') ? 'Edit policy' : 'Policy'}
      </a>
    </Head>
  )
}

type NoticeProps = { of: Site; draft: NonNullable<Site['draft']>; who: Principal; nameOf: NameOf }

function DraftNotice({ of: { id, published }, draft, who, nameOf }: NoticeProps) {
  return (
    <p class="gap">
      <Badge mood="warn">Draft</Badge>
      {' saved by '}
      <Actor of={draft.who} nameOf={nameOf} />
      {', '}
      <Time at={draft.at} />
      {'. '}
      {published ? (
        may(who, 'policy.write') && <a href={`/policy/${id}/publish`}>Review and publish it</a>
      ) : (
        <a href={`/sites/${id}/checks`}>Continue to add the site</a>
      )}
    </p>
  )
}

const TOTALS: readonly (readonly [
  title: string,
  source: 'book' | 'traffic',
  SumName,
  isGood: boolean | undefined,
])[] = [
  ['Earned today', 'book', 'charged', true],
  ['Paid today', 'book', 'charges', true],
  ['402s today', 'traffic', 'unpaid', undefined],
  ['Origin errors today', 'traffic', 'errors', false],
]

const HOUR = DAY / 24

type TotalsProps = { hours: Reply<FiguresBody>; month: Reply<FiguresBody>; now: number }

/** Today against the same weekday a week ago, both up to the last whole hour. */
function Totals({ hours, month, now }: TotalsProps) {
  const { today } = shownDays(now)
  const whole = Math.floor(now / HOUR) * HOUR
  return (
    <Tiles>
      {TOTALS.map(([title, source, name, isGood]) => {
        const figures = figuresIn(hours, source)
        if (!figures) return <Tile title={title} value={null} />
        const sum = (from: number, to?: number) => sumOf(figures, source, name, from, to)
        const before = sum(today - 7 * DAY, whole - 7 * DAY)
        const days = figuresIn(month, source)
        return (
          <Tile
            title={title}
            value={<Sum name={name} of={sum(today)} />}
            compared={[
              [
                'Last week',
                <Sum name={name} of={before} />,
                before > 0n && <Trend now={sum(today, whole)} before={before} isGood={isGood} />,
              ],
              [`${SHOWN_DAYS} days`, days ? <Sum name={name} of={sumOf(days, source, name)} /> : '—', ''],
            ]}
          />
        )
      })}
    </Tiles>
  )
}

const ANSWERS: readonly (readonly [
  title: string,
  status: string,
  'book' | 'traffic',
  SumName,
  colour: number,
])[] = [
  ['Paid', '200', 'book', 'charges', 1],
  ['Asked to pay', '402', 'traffic', 'unpaid', 2],
  ['Refused', '402, 503', 'traffic', 'refused', 5],
  ['Passed free', 'the origin’s', 'traffic', 'free', 3],
  ['Blocked', '403, 400', 'traffic', 'blocked', 7],
]

function Answers({ of }: { of: Reply<FiguresBody> }) {
  const [book, traffic] = [figuresIn(of, 'book'), figuresIn(of, 'traffic')]
  const crawlers = (book ?? traffic ?? []).filter(({ who }) => who !== 'readers')
  const rows = ANSWERS.map(([title, status, source, name, colour]) => {
    return { title, status, colour, sum: Number(sumOf(crawlers, source, name)) }
  })
  const all = rows.reduce((sum, row) => sum + row.sum, 0)
  const title = 'How crawlers were answered'
  if (all === 0)
    return (
      <PageSection title={title} id="answers">
        <Nothing what="No data yet. Figures appear within five minutes of the first request." />
      </PageSection>
    )
  return (
    <PageSection title={title} id="answers" note={`${SHOWN_DAYS} days`}>
      <Shares of={rows} all={all} />
      <Table
        caption={`Answers to crawlers in ${SHOWN_DAYS} days`}
        rows={rows}
        empty={{ what: '' }}
        columns={[
          {
            title: 'Answer',
            cell: ({ title, colour }) => (
              <span class="key">
                <span>
                  <Swatch of={colour} />
                </span>
                {title}
              </span>
            ),
          },
          { title: 'Status', kind: 'n', cell: ({ status }) => status },
          { title: 'Requests', kind: 'n', cell: ({ sum }) => <Whole of={sum} /> },
          { title: 'Share', kind: 'lead', cell: ({ sum }) => <Percent of={sum} in={all} /> },
        ]}
        total={['All crawlers', '', <Whole of={all} />, '']}
      />
    </PageSection>
  )
}

/** `isPage`: figures were counted for this path itself, not for folders below it alone. */
type PathRow = { path: string; depth: 0 | 1; isPage: boolean; charges: number; charged: bigint }

/** Paths with the folders below them: figures have the first two segments. */
export function treeOf(figures: readonly FigureBody[]): PathRow[] {
  const sums = new Map<string, PathRow>()
  for (const { source, path = '', charges = 0, charged = '0' } of figures) {
    if (source !== 'book') continue
    const known = sums.get(path) ?? { path, depth: 1 as const, isPage: true, charges: 0, charged: 0n }
    sums.set(path, { ...known, charges: known.charges + charges, charged: known.charged + BigInt(charged) })
  }
  const folders = Map.groupBy(sums.values(), ({ path }) =>
    path === OTHER ? OTHER : `/${path.split('/')[1] ?? ''}`,
  )
  return [...folders]
    .map(([path, rows]): [PathRow, PathRow[]] => {
      const [only, ...more] = rows
      if (only && more.length === 0) return [{ ...only, depth: 0 }, []]
      const charges = rows.reduce((sum, row) => sum + row.charges, 0)
      const charged = rows.reduce((sum, row) => sum + row.charged, 0n)
      const below = rows.filter((row) => row.path !== path).sort(dearer)
      return [{ path, depth: 0, isPage: rows.length > below.length, charges, charged }, below]
    })
    .sort(([one], [other]) => dearer(one, other))
    .flatMap(([folder, below]) => [folder, ...below])
}

function dearer(one: PathRow, other: PathRow): number {
  return one.charged === other.charged
    ? one.path < other.path
      ? -1
      : 1
    : one.charged < other.charged
      ? 1
      : -1
}

/** Rows of the tree. The API has more. */
const MAX_PATHS = 24

function Paths({ of }: { of: Reply<FiguresBody> }) {
  const rows = treeOf(figuresIn(of, 'book') ?? [])
  const all = rows.filter(({ depth }) => depth === 0)
  const most = rows.reduce((best, { charged }) => (charged > best ? charged : best), 0n)
  return (
    <PageSection title="Paths" id="paths" note={`${SHOWN_DAYS} days`}>
      <Table
        caption={`Paths by what they earned in ${SHOWN_DAYS} days`}
        rows={rows.slice(0, MAX_PATHS)}
        empty={{ what: 'No data yet. Paths appear within five minutes of the first paid request.' }}
        columns={[
          {
            title: 'Path',
            cell: ({ path, depth }) => {
              const name = path === OTHER ? 'Other paths' : path
              if (depth > 0) return <code class="in soft">{path.slice(path.indexOf('/', 1))}</code>
              return path === OTHER ? name : <code>{name}</code>
            },
          },
          { title: 'Paid', kind: 'n', cell: ({ charges }) => <Whole of={charges} /> },
          { title: 'Earned', kind: 'lead', cell: ({ charged }) => <Money of={charged} /> },
          {
            title: 'Share of the largest',
            kind: 'bar',
            isHidden: true,
            cell: ({ charged, depth }) => <Share of={charged} most={most} colour={depth === 0 ? 1 : 7} />,
          },
        ]}
        total={[
          'All paths',
          <Whole of={all.reduce((sum, { charges }) => sum + charges, 0)} />,
          <Money of={all.reduce((sum, { charged }) => sum + charged, 0n)} />,
          '',
        ]}
      />
    </PageSection>
  )
}

function Hosts({ of: { hosts, pending } }: { of: Site }) {
  return (
    <PageSection
      title="Hosts"
      id="hosts"
      note={pending.length === 0 ? 'In force everywhere' : `Not yet everywhere: ${pending.join(', ')}`}
    >
      <Table
        caption="Hosts of the site"
        rows={hosts}
        empty={{ what: 'The site is without a host.' }}
        columns={[
          { title: 'Host', cell: ({ host }) => host },
          { title: 'Proven', kind: 'full', cell: ({ provenAt }) => <Time at={provenAt} /> },
          {
            title: 'Proof',
            kind: 'lead',
            cell: ({ how }) => (how ? <Badge mood="good">{how}</Badge> : <Badge mood="warn">Missing</Badge>),
          },
        ]}
      />
    </PageSection>
  )
}

function TryOutside({ of: { id, hosts, mode }, paths }: { of: Site; paths: Reply<FiguresBody> }) {
  const host = hosts[0]?.host ?? ''
  const best = treeOf(figuresIn(paths, 'book') ?? []).find((row) => row.isPage && row.path !== OTHER)
  const path = best?.path ?? '/'
  const scheme = /^(?:[^:]+\.)?localhost(?::|$)|^127\./.test(host) ? 'http' : 'https'
  return (
    <PageSection
      title="Ask as a crawler"
      id="curl"
      note={<a href={`/policy/${id}/try?url=${encodeURIComponent(path)}`}>Try it here</a>}
    >
      <Copied id="curl-line" text={`curl -si -A GPTBot ${scheme}://${host}${path}`} />
      <p class="soft gap">{ANSWER_NOW[mode]}</p>
    </PageSection>
  )
}

const ANSWER_NOW: Record<Site['mode'], string> = {
  draft: 'Nothing is served under these hosts yet: they answer 421.',
  shadow: 'Shadow mode serves the page, and counts what would have been asked.',
  live: 'A path that is charged answers 402 with its offers.',
  suspended: 'The site is suspended: all requests are answered 503.',
}
