/** All sites, with what they did today. */
import { may } from '../../../people/principal.ts'
import type {
  FiguresBody,
  Paged,
  SiteModeBody as SiteMode,
  SiteSummaryBody as SiteSummary,
} from '../../answers.ts'
import { DAY, sumOf } from '../../figures.ts'
import { Badge, type Mood } from '../../parts/badges.tsx'
import { Money, Whole } from '../../parts/figures.tsx'
import { Head, PageSection } from '../../parts/page.tsx'
import { More, Table } from '../../parts/table.tsx'
import { type PageHandler, show, trouble, urlOf } from '../../shell.tsx'

const MODES: Record<SiteMode, readonly [Mood, string]> = {
  draft: ['plain', 'Draft'],
  shadow: ['warn', 'Shadow'],
  live: ['good', 'Live'],
  suspended: ['bad', 'Suspended'],
}

/** The mode of a site. */
export function ModeBadge({ mode }: { mode: SiteMode }) {
  const [mood, text] = MODES[mode]
  return <Badge mood={mood}>{text}</Badge>
}

/** The list of sites. */
export const listSites: PageHandler = async (c) => {
  const url = urlOf(c)
  const { ask } = c.get('desk')
  const today = Math.floor(Date.now() / DAY) * DAY
  const [asked, figures] = await Promise.all([
    ask<Paged<'sites', SiteSummary>>(`/sites${url.search}`),
    ask<FiguresBody>(`/figures?interval=day&from=${today}&by=site&limit=5000`),
  ])
  if (!asked.ok) {
    if (asked.status === 404) return show(c, 'Sites', <OneSite />)
    return trouble(c, 'Sites', asked)
  }
  const { sites, next } = asked.value
  const sums = todayOf(figures.ok ? figures.value : null)
  return show(
    c,
    'Sites',
    <>
      <Head title="Sites" asOf={asked.at} sources={['live', 'book', 'traffic']}>
        {may(c.get('desk').who, 'sites.write') && (
          <a class="btn go" href="/sites/new">
            New site
          </a>
        )}
      </Head>
      <PageSection title="All sites" id="all" note="Figures of today, UTC">
        <Table
          caption="Sites by id"
          rows={sites}
          empty={{
            what: 'No site yet. A site is the hosts of one publisher with their prices.',
            next: may(c.get('desk').who, 'sites.write') && <a href="/sites/new">Add the first site</a>,
          }}
          columns={[
            { title: 'Site', cell: (site) => <Named {...site} /> },
            {
              title: 'Publisher',
              kind: 'full',
              cell: ({ publisher }) => <a href={`/publishers/${publisher}`}>{publisher}</a>,
            },
            {
              title: 'Version',
              kind: 'n',
              cell: ({ version }) => (version === 0 ? 'none' : version),
            },
            { title: '402s', kind: 'n', cell: ({ id }) => sums(id, 'traffic', 'unpaid') },
            { title: 'Paid', kind: 'n', cell: ({ id }) => sums(id, 'book', 'charges') },
            { title: 'Errors', kind: 'n', cell: ({ id }) => sums(id, 'traffic', 'errors') },
            { title: 'Earned', kind: 'n', cell: ({ id }) => sums(id, 'book', 'charged') },
            { title: 'Mode', kind: 'lead', cell: ({ mode }) => <ModeBadge mode={mode} /> },
          ]}
        />
        <More url={url} next={next} />
      </PageSection>
    </>,
  )
}

/** The sums of one site today. A source without a figure of any site has no data yet, which is not 0. */
function todayOf(body: FiguresBody | null) {
  const bySite = Map.groupBy(body?.figures ?? [], ({ site }) => site ?? '')
  return (site: string, source: 'book' | 'traffic', name: 'unpaid' | 'charges' | 'errors' | 'charged') => {
    const state = body?.sources[source]
    if (!state?.isReadable || state.asOf === null) return <span class="soft">no data yet</span>
    const sum = sumOf(bySite.get(site) ?? [], source, name)
    return name === 'charged' ? <Money of={sum} /> : <Whole of={sum} />
  }
}

const VIA_NAMES: Readonly<Record<string, string>> = {
  hostname: 'custom hostname',
  route: 'route',
  'bots-host': 'host for crawlers',
}

function Named({ id, hosts, via, hasDraft }: SiteSummary) {
  const [first, ...others] = hosts
  return (
    <>
      <a href={`/sites/${id}`}>{id}</a> {hasDraft && <Badge mood="warn">draft</Badge>}
      <br />
      <small>
        {first}
        {others.length > 0 && ` and ${others.length} more`}, {VIA_NAMES[via] ?? via}
      </small>
    </>
  )
}

function OneSite() {
  return (
    <>
      <Head title="Sites" />
      <p class="gap">
        This deployment serves one site, with its terms in wrangler.toml. Bind SITES and HOSTS (docs/sites.md)
        to serve many and to change them here.
      </p>
    </>
  )
}
