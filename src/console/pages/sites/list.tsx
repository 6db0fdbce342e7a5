/** All sites, and a new one. */
import type { Context } from 'hono'
import type {
  Paged,
  Problem,
  PublisherBody as Publisher,
  SiteBody as Site,
  SiteModeBody as SiteMode,
  SiteSummaryBody as SiteSummary,
} from '../../answers.ts'
import { Badge, type Mood } from '../../parts/badges.tsx'
import { ActForm, Field, filled, type Typed, typedIn } from '../../parts/form.tsx'
import { Head, PageSection, Trouble } from '../../parts/page.tsx'
import { More, Table } from '../../parts/table.tsx'
import { type ConsoleEnv, type PageHandler, show, trouble, urlOf } from '../../shell.tsx'

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
  const asked = await c.get('desk').ask<Paged<'sites', SiteSummary>>(`/sites${url.search}`)
  if (!asked.ok) {
    if (asked.status === 404) return show(c, 'Sites', <OneSite />)
    return trouble(c, 'Sites', asked)
  }
  const { sites, next } = asked.value
  return show(
    c,
    'Sites',
    <>
      <Head title="Sites" asOf={asked.at} sources={['live']}>
        <a class="btn go" href="/sites/new">
          New site
        </a>
      </Head>
      <PageSection title="All sites" id="all">
        <Table
          caption="Sites by id"
          rows={sites}
          empty={{
            what: 'No site yet. A site is the hosts of one publisher with their prices.',
            next: <a href="/sites/new">Add the first site</a>,
          }}
          columns={[
            { title: 'Site', cell: ({ id }) => <a href={`/sites/${id}`}>{id}</a> },
            { title: 'Hosts', kind: 'full', cell: ({ hosts }) => hosts.join(', ') },
            {
              title: 'Publisher',
              cell: ({ publisher }) => <a href={`/publishers/${publisher}`}>{publisher}</a>,
            },
            { title: 'Reached by', cell: ({ via }) => via },
            {
              title: 'Version',
              kind: 'n',
              cell: ({ version, hasDraft }) =>
                `${version === 0 ? 'none' : version}${hasDraft ? ' + draft' : ''}`,
            },
            { title: 'Mode', kind: 'lead', cell: ({ mode }) => <ModeBadge mode={mode} /> },
          ]}
        />
        <More url={url} next={next} />
      </PageSection>
    </>,
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

const VIAS = [
  ['hostname', 'A custom hostname of your zone'],
  ['route', 'A route of a zone in your account'],
  ['bots-host', 'A host beside the site, for crawlers'],
] as const

/** The form of a new site, and its answer. */
export const newSite: PageHandler = async (c) => {
  const publishers = await c.get('desk').ask<Paged<'publishers', Publisher>>('/publishers?limit=500')
  const known = publishers.ok ? publishers.value.publishers : []
  if (c.req.method !== 'POST')
    return show(c, 'New site', <NewSite c={c} publishers={known} typed={{ PRICE: '0.001' }} />)
  const typed = typedIn(await c.req.parseBody())
  const { hosts = '' } = typed
  const document = {
    ...filled(typed, 'id', 'publisher', 'via'),
    hosts: hosts.split(/[\s,]+/).filter(Boolean),
    mode: 'shadow',
    terms: filled(typed, 'ORIGIN', 'PRICE'),
  }
  const order = { method: 'POST', body: JSON.stringify(document) } as const
  const asked = await c.get('desk').ask<Site>('/sites', order)
  if (asked.ok) return c.redirect(`/sites/${asked.value.id}`, 303)
  return show(c, 'New site', <NewSite c={c} publishers={known} typed={typed} problem={asked.problem} />, 400)
}

type NewSiteProps = {
  c: Context<ConsoleEnv>
  publishers: readonly Publisher[]
  typed: Typed
  problem?: Problem
}

function NewSite({ c, publishers, typed, problem }: NewSiteProps) {
  const at = { typed, problem }
  return (
    <>
      <Head title="New site" above={{ href: '/sites', title: 'Sites' }} />
      {publishers.length === 0 && (
        <p class="gap">
          A site belongs to a publisher. <a href="/publishers/new">Add a publisher</a> first.
        </p>
      )}
      {problem && <Trouble problem={problem} />}
      <ActForm
        action="/sites/new"
        formToken={c.get('desk').formToken}
        title="Add as a draft in shadow mode"
        isMain
      >
        <Field name="id" label="Id" hint="Letters, digits and dashes. It never changes." required {...at} />
        <Field
          name="publisher"
          label="Publisher"
          choices={publishers.map(({ id, name }) => [id, name] as const)}
          {...at}
        />
        <Field name="hosts" label="Hosts" hint="One or more, with blanks between" required {...at} />
        <Field name="via" label="Reached by" choices={VIAS} {...at} />
        <Field
          name="ORIGIN"
          label="Origin"
          at="terms.ORIGIN"
          hint="The https URL of the publisher’s own server, or zone"
          required
          {...at}
        />
        <Field name="PRICE" label="Price of a page, USD" at="terms.PRICE" required {...at} />
      </ActForm>
    </>
  )
}
