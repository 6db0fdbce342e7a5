/** One site: its state, what is checked, its draft against what is published, and the acts on it. */
import type { Context } from 'hono'
import type {
  CheckedBody as Checked,
  CheckedSiteBody as CheckedSite,
  Problem,
  SiteBody as Site,
  SiteVersionBody as SiteVersion,
} from '../../answers.ts'
import { Badge, type Mood } from '../../parts/badges.tsx'
import { Diff } from '../../parts/diff.tsx'
import { Time } from '../../parts/figures.tsx'
import { ActForm, Field, type Typed, typedIn } from '../../parts/form.tsx'
import { FactList, Head, PageSection, Trouble } from '../../parts/page.tsx'
import { Table } from '../../parts/table.tsx'
import { type ConsoleEnv, type PageHandler, show, trouble } from '../../shell.tsx'
import { ModeBadge } from './list.tsx'

/** A document as the text of the editor and of the diffs. */
export function jsonOf(document: object | undefined): string {
  return document ? JSON.stringify(document, null, 2) : ''
}

/** The page of one site. */
export const oneSite: PageHandler = (c) => siteWith(c)

/** The page of a site, with the problem of an act or the result of a check. */
export async function siteWith(
  c: Context<ConsoleEnv>,
  { problem, checked }: { problem?: Problem; checked?: CheckedSite } = {},
): Promise<Response> {
  const { ask } = c.get('desk')
  const id = encodeURIComponent(c.req.param('id') ?? '')
  const [asked, versions] = await Promise.all([
    ask<Site>(`/sites/${id}`),
    ask<{ versions: SiteVersion[] }>(`/sites/${id}/versions?limit=20`),
  ])
  if (!asked.ok) return trouble(c, 'Site', asked)
  const site = asked.value
  return show(
    c,
    site.id,
    <>
      <Head title={site.id} above={{ href: '/sites', title: 'Sites' }} asOf={asked.at} sources={['live']}>
        <a class="btn" href={`/sites/${id}/terms`}>
          Edit terms
        </a>
      </Head>
      {problem && <Trouble problem={problem} />}
      <State of={site} at={asked.at} />
      <Hosts of={site} />
      {checked && <Checks of={checked} />}
      <Draft c={c} site={site} />
      <Acts c={c} site={site} />
      <Versions c={c} site={site} of={versions.ok ? versions.value.versions : []} />
    </>,
    problem ? 409 : 200,
  )
}

function State({ of: { mode, publisher, published, pending }, at }: { of: Site; at: number }) {
  return (
    <PageSection title="State" id="state">
      <FactList
        of={[
          ['Mode', <ModeBadge mode={mode} />],
          ['Publisher', <a href={`/publishers/${publisher}`}>{publisher}</a>],
          [
            'Version',
            published ? (
              <>
                {`${published.version}, `}
                {published.effectiveAt > at ? 'takes effect at ' : 'in effect since '}
                <Time at={published.effectiveAt} />
              </>
            ) : (
              'Not published yet'
            ),
          ],
          ['Not yet everywhere', pending.length === 0 ? 'Nothing' : pending.join(', ')],
        ]}
      />
    </PageSection>
  )
}

function Hosts({ of: { hosts } }: { of: Site }) {
  return (
    <PageSection title="Hosts" id="hosts" note="A host goes live when it is proven.">
      <Table
        caption="Hosts of the site"
        rows={hosts}
        empty={{ what: 'The site has no host.' }}
        columns={[
          { title: 'Host', cell: ({ host }) => host },
          {
            title: 'Proof',
            kind: 'lead',
            cell: ({ how }) => (how ? <Badge mood="good">{how}</Badge> : <Badge mood="warn">Missing</Badge>),
          },
          {
            title: 'TXT record',
            kind: 'full',
            cell: ({ host, token, how }) => (how ? '' : <code>{`_tab402.${host}  TXT  "${token}"`}</code>),
          },
        ]}
      />
    </PageSection>
  )
}

const OUTCOMES: Record<Checked['outcome'], readonly [Mood, string]> = {
  ok: ['good', 'OK'],
  failed: ['bad', 'Failed'],
  unknown: ['warn', 'Unknown'],
  skipped: ['plain', 'Skipped'],
}

function Checks({ of: { ok, errors, hosts, origin, sideDoor } }: { of: CheckedSite }) {
  const rows: readonly (readonly [string, Checked])[] = [
    ['The origin answers', origin],
    ['The origin refuses others', sideDoor],
    ...hosts.flatMap(({ host, proof, crawler, reader }) => [
      [`${host} is proven`, proof] as const,
      [`${host} asks crawlers to pay`, crawler] as const,
      [`${host} lets browsers pass`, reader] as const,
    ]),
  ]
  return (
    <PageSection
      title="Checks"
      id="checks"
      note={ok ? 'Everything is in order.' : 'Mend what failed, then check again.'}
    >
      {errors.length > 0 && (
        <ul class="bad">
          {errors.map(({ path, message, expected }) => (
            <li>
              <code>{path}</code> {message} ({expected})
            </li>
          ))}
        </ul>
      )}
      <ul>
        {rows.map(([name, { outcome, status, why }]) => {
          const [mood, text] = OUTCOMES[outcome]
          return (
            <li class="check">
              <Badge mood={mood}>{text}</Badge>
              <span>
                {name}
                {status !== null && ` (${status})`}
                {outcome !== 'ok' && `: ${why}`}
              </span>
            </li>
          )
        })}
      </ul>
    </PageSection>
  )
}

function Draft({ c, site: { id, draft, published, revision } }: { c: Context<ConsoleEnv>; site: Site }) {
  if (!draft) return null
  const { formToken } = c.get('desk')
  return (
    <PageSection title="Draft" id="draft" note={<>Changed by {draft.who}</>}>
      <Diff before={jsonOf(published?.document)} after={jsonOf(draft.document)} />
      <p class="gap">A version takes effect two minutes after it is published, everywhere at once.</p>
      <ActForm action={`/sites/${id}/publish`} formToken={formToken} title={`Publish ${id}`} isMain>
        <input type="hidden" name="revision" value={String(revision)} />
        <Field name="note" label="Note" hint="Why it changes. The history keeps it." />
      </ActForm>
      <ActForm action={`/sites/${id}/discard`} formToken={formToken} title="Drop the draft">
        <input type="hidden" name="revision" value={String(revision)} />
      </ActForm>
    </PageSection>
  )
}

function Acts({ c, site: { id, mode, published } }: { c: Context<ConsoleEnv>; site: Site }) {
  const { formToken } = c.get('desk')
  return (
    <PageSection title="Acts" id="acts">
      <ActForm action={`/sites/${id}/check`} formToken={formToken} title="Check now">
        <Field name="path" label="A path that is charged" typed={{ path: '/' }} />
      </ActForm>
      {published && mode !== 'suspended' && (
        <ActForm action={`/sites/${id}/suspend`} formToken={formToken} title={`Suspend ${id}`}>
          <Field name="note" label="Reason" hint="Nothing of the site is served then, within two minutes." />
        </ActForm>
      )}
      {mode === 'suspended' && (
        <ActForm action={`/sites/${id}/resume`} formToken={formToken} title={`Resume ${id}`} />
      )}
    </PageSection>
  )
}

function Versions({ c, site, of }: { c: Context<ConsoleEnv>; site: Site; of: readonly SiteVersion[] }) {
  const { formToken } = c.get('desk')
  return (
    <PageSection title="History" id="history">
      <Table
        caption="Versions, the latest first"
        rows={of}
        empty={{ what: 'No version yet. Publish the draft to make the first one.' }}
        columns={[
          { title: 'Version', cell: ({ version, act }) => `${version} ${act}` },
          { title: 'In effect from', cell: ({ effectiveAt }) => <Time at={effectiveAt} /> },
          { title: 'Who', cell: ({ who }) => who },
          { title: 'Note', kind: 'full', cell: ({ note }) => note },
          {
            title: 'Act',
            kind: 'acts',
            isHidden: true,
            cell: ({ version }) =>
              version !== site.published?.version && (
                <ActForm
                  action={`/sites/${site.id}/revert`}
                  formToken={formToken}
                  title={`Back to ${version}`}
                >
                  <input type="hidden" name="version" value={String(version)} />
                </ActForm>
              ),
          },
        ]}
      />
    </PageSection>
  )
}

type Sent = { method?: 'POST' | 'DELETE'; path: string; body?: object }

/** An act on one site. It is made from the revision that the page showed: a change by somebody else since is refused. */
function act(order: (typed: Typed) => Sent): PageHandler {
  return async (c) => {
    const id = encodeURIComponent(c.req.param('id') ?? '')
    const typed = typedIn(await c.req.parseBody())
    const { method = 'POST', path, body } = order(typed)
    const revision = /^\d{1,15}$/.test(typed.revision ?? '') ? { revision: Number(typed.revision) } : {}
    const sent = { method, ...revision, ...(body && { body: JSON.stringify(body) }) }
    const asked = await c.get('desk').ask<unknown>(`/sites/${id}${path}`, sent)
    return asked.ok ? c.redirect(path === '/draft' ? '/sites' : `/sites/${id}`, 303) : siteWith(c, asked)
  }
}

const noted = ({ note = '' }: Typed) => (note.trim() ? { note: note.trim() } : {})

/** The acts on a site, by the last part of their path. */
export const SITE_ACTS: Readonly<Record<string, PageHandler>> = {
  publish: act((typed) => ({ path: '/publish', body: noted(typed) })),
  suspend: act((typed) => ({ path: '/suspend', body: noted(typed) })),
  resume: act((typed) => ({ path: '/resume', body: noted(typed) })),
  revert: act((typed) => ({ path: '/revert', body: { version: Number(typed.version), ...noted(typed) } })),
  discard: act(() => ({ method: 'DELETE', path: '/draft' })),
  async check(c) {
    const { path = '/' } = typedIn(await c.req.parseBody())
    const id = encodeURIComponent(c.req.param('id') ?? '')
    const order = { method: 'POST', body: JSON.stringify({ path }) } as const
    const asked = await c.get('desk').ask<CheckedSite>(`/sites/${id}/check`, order)
    return siteWith(c, asked.ok ? { checked: asked.value } : asked)
  },
}
