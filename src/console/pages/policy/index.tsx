/** The pages of policies: the list of them, and the views of one. */
import { may } from '../../../people/principal.ts'
import type { Paged, SiteSummaryBody as SiteSummary } from '../../answers.ts'
import { Badge } from '../../parts/badges.tsx'
import { Head, PageSection } from '../../parts/page.tsx'
import { More, Table } from '../../parts/table.tsx'
import { type PageHandler, type Routes, show, trouble, urlOf } from '../../shell.tsx'
import { ModeBadge } from '../sites/list.tsx'
import { revert, showHistory } from './history.tsx'
import { discard, publishDraft, showPublish } from './publish.tsx'
import { showResults } from './results.tsx'
import { checkTyped, saveRules, showRules } from './rules.tsx'
import { saveText, showText } from './text.tsx'
import { tryAtDeployment, tryAtSite } from './try.tsx'

const listPolicies: PageHandler = async (c) => {
  const url = urlOf(c)
  const after = url.searchParams.get('after')
  const asked = await c
    .get('desk')
    .ask<Paged<'sites', SiteSummary>>(`/sites${after === null ? '' : `?after=${encodeURIComponent(after)}`}`)
  if (!asked.ok) return asked.status === 404 ? tryAtDeployment(c) : trouble(c, 'Policy', asked)
  const { sites, next } = asked.value
  return show(
    c,
    'Policy',
    <>
      <Head title="Policy" asOf={asked.at} sources={['live']} />
      <PageSection title="Policies of the sites" id="policies" note="Each site has its own rules and prices">
        <Table
          caption="Sites by id"
          rows={sites}
          empty={{
            what: 'No site yet. A policy belongs to a site.',
            next: may(c.get('desk').who, 'sites.write') && <a href="/sites/new">Add the first site</a>,
          }}
          columns={[
            { title: 'Site', cell: ({ id }) => <a href={`/policy/${id}`}>{id}</a> },
            { title: 'Hosts', kind: 'full', cell: ({ hosts }) => hosts.join(', ') },
            {
              title: 'Version',
              kind: 'n',
              cell: ({ version }) => (version === 0 ? 'none' : String(version)),
            },
            { title: 'Draft', cell: ({ hasDraft }) => (hasDraft ? <Badge mood="warn">draft</Badge> : '—') },
            { title: 'Mode', kind: 'lead', cell: ({ mode }) => <ModeBadge mode={mode} /> },
          ]}
        />
        <More url={url} next={next} />
      </PageSection>
    </>,
  )
}

/** The pages of policies. */
export const policyPages: Routes = [
  { path: '/policy', get: listPolicies },
  { path: '/policy/:site', get: showRules, post: saveRules },
  { path: '/policy/:site/check', post: checkTyped },
  { path: '/policy/:site/text', get: showText, post: saveText },
  { path: '/policy/:site/try', get: tryAtSite },
  { path: '/policy/:site/results', get: showResults },
  { path: '/policy/:site/publish', right: 'policy.write', get: showPublish, post: publishDraft },
  { path: '/policy/:site/discard', post: discard },
  { path: '/policy/:site/history', get: showHistory },
  { path: '/policy/:site/revert', post: revert },
]
