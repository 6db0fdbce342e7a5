/** The pages of policies: the list of them, and the views of one. */
import type { SiteSummaryBody as SiteSummary } from '../../answers.ts'
import { rowsAt, sortedHere } from '../../list.ts'
import { Badge } from '../../parts/badges.tsx'
import { type ListSpec, listPage } from '../../parts/list.tsx'
import type { Routes } from '../../shell.tsx'
import { ModeBadge } from '../sites/list.tsx'
import { revert, showHistory } from './history.tsx'
import { discard, publishDraft, showPublish } from './publish.tsx'
import { showResults } from './results.tsx'
import { checkTyped, saveRules, showRules } from './rules.tsx'
import { saveText, showText } from './text.tsx'
import { tryAtDeployment, tryAtSite } from './try.tsx'

const COLUMNS: ListSpec<SiteSummary>['columns'] = [
  {
    title: 'Site',
    key: 'id',
    sort: 'up',
    value: ({ id }) => id,
    cell: ({ id }) => <a href={`/policy/${id}`}>{id}</a>,
  },
  {
    title: 'Hosts',
    key: 'hosts',
    kind: 'full',
    value: ({ hosts }) => hosts.join(' '),
    cell: ({ hosts }) => hosts.join(', '),
  },
  {
    title: 'Version',
    key: 'version',
    sort: 'down',
    kind: 'n',
    value: ({ version }) => version,
    cell: ({ version }) => (version === 0 ? 'none' : String(version)),
  },
  {
    title: 'Draft',
    key: 'draft',
    sort: 'down',
    value: ({ hasDraft }) => (hasDraft ? 'yes' : 'no'),
    cell: ({ hasDraft }) => hasDraft && <Badge mood="warn">draft</Badge>,
  },
  {
    title: 'Mode',
    key: 'mode',
    sort: 'up',
    kind: 'lead',
    value: ({ mode }) => mode,
    cell: ({ mode }) => <ModeBadge mode={mode} />,
  },
]
const FILTERS = [
  {
    name: 'draft',
    label: 'Draft',
    choices: [
      ['yes', 'With a draft'],
      ['no', 'Without one'],
    ],
  },
  { name: 'text', label: 'Find', hint: 'Site or host' },
] as const

/** The policies of all sites; where there is one site alone, a form that tries its policy. */
const LIST: ListSpec<SiteSummary> = {
  title: 'Policy',
  heading: 'Policies of the sites',
  caption: 'Policies by site',
  note: 'Each site has its own rules and prices',
  sources: ['live'],
  filters: FILTERS,
  sort: 'id',
  columns: COLUMNS,
  read: sortedHere(COLUMNS, FILTERS, rowsAt('/sites', 'sites')),
  idOf: ({ id }) => `policy-${id}`,
  empty: { what: 'No site yet. A policy belongs to a site.', next: <a href="/sites">See the sites</a> },
  absent: tryAtDeployment,
}

/** The pages of policies. */
export const policyPages: Routes = [
  { path: '/policy', get: listPage(LIST) },
  { path: '/policy/:site', get: showRules },
  { path: '/policy/:site', right: 'policy.write', post: saveRules },
  { path: '/policy/:site/check', post: checkTyped },
  { path: '/policy/:site/text', get: showText },
  { path: '/policy/:site/text', right: 'policy.write', post: saveText },
  { path: '/policy/:site/try', get: tryAtSite },
  { path: '/policy/:site/results', get: showResults },
  { path: '/policy/:site/publish', right: 'policy.write', get: showPublish, post: publishDraft },
  { path: '/policy/:site/discard', right: 'policy.write', post: discard },
  { path: '/policy/:site/history', get: showHistory },
  { path: '/policy/:site/revert', right: 'policy.write', post: revert },
]
