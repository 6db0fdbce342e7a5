/** The list of nightly runs, and the act that starts them. */

import { may } from '../../people/principal.ts'
import { carryOut } from '../acting.tsx'
import type { RunBody as Run } from '../answers.ts'
import { rowsAt } from '../list.ts'
import { span, Time } from '../parts/figures.tsx'
import { ActForm } from '../parts/form.tsx'
import { type ListSpec, listPage } from '../parts/list.tsx'
import { Head, Trouble } from '../parts/page.tsx'
import { RUN_NAMES, RUN_STATES, RunState } from '../parts/run.tsx'
import { type PageHandler, type Routes, show } from '../shell.tsx'
import { oneRun } from './run.tsx'

const LIST: ListSpec<Run> = {
  title: 'Runs',
  heading: 'All runs',
  caption: 'Runs',
  note: 'Each night at 00:00 UTC; the watch every five minutes',
  sources: ['book'],
  filters: [
    { name: 'kind', label: 'Kind', choices: Object.entries(RUN_NAMES) },
    {
      name: 'status',
      label: 'Status',
      choices: Object.entries(RUN_STATES).map(([name, [, title]]) => [name, title] as const),
    },
  ],
  sort: '-began',
  read: rowsAt('/runs', 'runs'),
  empty: { what: 'No run has begun yet. The first one begins at 00:00 UTC.' },
  idOf: ({ id }) => id,
  acts: ({ who, formToken }) =>
    may(who, 'runs.write') && <ActForm action="/runs" formToken={formToken} title="Run now" />,
  columns: [
    {
      title: 'Run',
      key: 'kind',
      value: ({ kind }) => kind,
      cell: (run) => <a href={`/runs/${run.id}`}>{RUN_NAMES[run.kind]}</a>,
    },
    {
      title: 'Began',
      key: 'began',
      sort: 'down',
      value: (run) => new Date(run.startedAt).toISOString(),
      cell: (run) => <Time at={run.startedAt} />,
    },
    { title: 'Took', key: 'took', sort: 'down', kind: 'n', value: tookSeconds, cell: took },
    { title: 'Findings', key: 'findings', sort: 'down', kind: 'n', value: found, cell: found },
    {
      title: 'Status',
      key: 'status',
      kind: 'lead',
      value: ({ status }) => status,
      cell: (run) => <RunState of={run} />,
    },
    { title: 'Id', key: 'id', isFileOnly: true, value: ({ id }) => id, cell: () => '' },
  ],
}

function found({ record }: Run): number {
  return record.findings?.count ?? 0
}

function took({ startedAt, endedAt }: Run): string {
  return endedAt === null ? '—' : span(endedAt - startedAt)
}

function tookSeconds({ startedAt, endedAt }: Run): number | null {
  return endedAt === null ? null : Math.round((endedAt - startedAt) / 1000)
}

const start: PageHandler = async (c) => {
  const acted = await carryOut(c, '/runs', () => ({ path: '/runs' }))
  if ('answer' in acted) return acted.answer
  return show(
    c,
    'Runs',
    <>
      <Head title="Runs" above={{ href: '/runs', title: 'Runs' }} />
      <Trouble problem={acted.problem} />
    </>,
    acted.status,
  )
}

/** The pages of runs. */
export const runPages: Routes = [
  { path: '/runs', get: listPage(LIST), post: start },
  { path: '/runs/:id', get: oneRun },
]
