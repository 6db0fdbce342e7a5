/** All sites, with what they did today. */
import type { FiguresBody, SiteModeBody as SiteMode, SiteSummaryBody as SiteSummary } from '../../answers.ts'
import type { Reply } from '../../edge.ts'
import { DAY, figuresIn, sumOf } from '../../figures.ts'
import { type ReadRows, rowsAt, sortedHere } from '../../list.ts'
import { Badge, type Mood } from '../../parts/badges.tsx'
import { Sum } from '../../parts/figures.tsx'
import { type ListSpec, listPage } from '../../parts/list.tsx'
import type { Column } from '../../parts/table.tsx'

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

const FILTERS = [
  {
    name: 'mode',
    label: 'Mode',
    choices: Object.entries(MODES).map(([name, [, title]]) => [name, title] as const),
  },
  { name: 'text', label: 'Find', hint: 'Id, host or publisher' },
] as const

/** A site with its sums of today. A sum is null until its source has a figure of any site. */
type Row = SiteSummary & Record<SumOfDay, bigint | null>
type SumOfDay = 'unpaid' | 'charges' | 'errors' | 'charged'

const counted = (name: SumOfDay, title: string): Column<Row> => ({
  title,
  key: name,
  sort: 'down',
  kind: 'n',
  value: (row) => row[name],
  cell: (row) => {
    const sum = row[name]
    if (sum === null) return <span class="soft">no data yet</span>
    return <Sum name={name} of={sum} />
  },
})

const COLUMNS: ListSpec<Row>['columns'] = [
  { title: 'Site', key: 'id', sort: 'up', value: ({ id }) => id, cell: (site) => <Named {...site} /> },
  { title: 'Hosts', key: 'hosts', isFileOnly: true, value: ({ hosts }) => hosts.join(' '), cell: () => '' },
  {
    title: 'Publisher',
    key: 'publisher',
    sort: 'up',
    value: ({ publisher }) => publisher,
    cell: ({ publisher }) => <a href={`/publishers/${publisher}`}>{publisher}</a>,
  },
  {
    title: 'Version',
    key: 'version',
    kind: 'n',
    value: ({ version }) => version,
    cell: ({ version }) => (version === 0 ? 'none' : version),
  },
  counted('unpaid', '402s'),
  counted('charges', 'Paid'),
  counted('errors', 'Errors'),
  counted('charged', 'Earned'),
  {
    title: 'Mode',
    key: 'mode',
    sort: 'up',
    kind: 'lead',
    value: ({ mode }) => mode,
    cell: ({ mode }) => <ModeBadge mode={mode} />,
  },
]

const LIST: ListSpec<Row> = {
  title: 'Sites',
  heading: 'All sites',
  caption: 'Sites',
  note: 'Figures of today, UTC',
  sources: ['live', 'book', 'traffic'],
  filters: FILTERS,
  sort: 'id',
  columns: COLUMNS,
  read: (ask, query) => {
    const today = Math.floor(Date.now() / DAY) * DAY
    const figures = ask<FiguresBody>(`/figures?interval=day&from=${today}&by=site&limit=5000`)
    return sortedHere(COLUMNS, FILTERS, withSums(figures))(ask, query)
  },
  idOf: ({ id }) => `site-${id}`,
  add: { right: 'sites.write', href: '/sites/new', title: 'New site', first: 'Add the first site' },
  empty: { what: 'No site yet. A site is the hosts of one publisher with their prices.' },
  absent: (
    <p>
      This deployment serves one site, with its terms in wrangler.toml. Bind SITES and HOSTS (docs/sites.md)
      to serve many and to change them here.
    </p>
  ),
}

/** The list of sites. */
export const listSites = listPage(LIST)

function withSums(figures: Promise<Reply<FiguresBody>>): ReadRows<Row> {
  return async (ask, query) => {
    const [asked, sums] = await Promise.all([rowsAt<SiteSummary>('/sites', 'sites')(ask, query), figures])
    if (!asked.ok) return asked
    const of = todayOf(sums)
    const rows = asked.value.rows.map((site) => ({ ...site, ...of(site.id) }))
    return { ...asked, value: { ...asked.value, rows } }
  }
}

/** The sums of one site today: null until the source has a figure of any site, then 0 or more. */
function todayOf(reply: Reply<FiguresBody>) {
  // The API returns at most 5,000 figures. Beyond them a site without a figure may have one, so its sum is not 0.
  const isCut = reply.ok && reply.value.next !== null
  const sumsOf = (source: 'book' | 'traffic') => {
    const figures = figuresIn(reply, source)?.filter((figure) => figure.source === source)
    const bySite = figures && Map.groupBy(figures, ({ site }) => site ?? '')
    return (site: string, name: SumOfDay) => {
      const own = bySite?.get(site)
      return !bySite || (isCut && !own) ? null : sumOf(own ?? [], source, name)
    }
  }
  const [book, traffic] = [sumsOf('book'), sumsOf('traffic')]
  return (site: string) => ({
    unpaid: traffic(site, 'unpaid'),
    charges: book(site, 'charges'),
    errors: traffic(site, 'errors'),
    charged: book(site, 'charged'),
  })
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
