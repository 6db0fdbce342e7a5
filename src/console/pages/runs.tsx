/** The nightly runs: what each did, how long it took, and what it found. */
import type { FindingBody as Finding, RunBody as Run } from '../answers.ts'
import { Badge, type Mood } from '../parts/badges.tsx'
import { dollars, span, Time } from '../parts/figures.tsx'
import { Head, PageSection } from '../parts/page.tsx'
import { Table } from '../parts/table.tsx'
import { type PageHandler, type Routes, show, trouble } from '../shell.tsx'

const KINDS: Record<Run['kind'], string> = {
  settlement: 'Settlement',
  billing: 'Billing',
  shadow: 'Shadow mode',
  watch: 'Watch',
}

const STATES: Record<Run['status'], readonly [Mood, string]> = {
  running: ['plain', 'Running'],
  settled: ['good', 'Settled'],
  in_doubt: ['warn', 'In doubt'],
  failed: ['bad', 'Failed'],
  abandoned: ['bad', 'Abandoned'],
}

const list: PageHandler = async (c) => {
  const { ask, formToken } = c.get('desk')
  const asked = await ask<{ runs: Run[] }>('/runs?limit=100')
  if (!asked.ok) return trouble(c, 'Runs', asked)
  const { value, at } = asked
  return show(
    c,
    'Runs',
    <>
      <Head title="Runs" asOf={at} sources={['book']}>
        <form method="post" action="/runs">
          <input type="hidden" name="form" value={formToken} />
          <button class="btn" type="submit">
            Run now
          </button>
        </form>
      </Head>
      <PageSection
        title="All runs"
        id="all"
        note="Each night at 00:00 UTC. The watch runs every five minutes."
      >
        <Table
          caption="Runs, the latest first"
          rows={value.runs}
          empty={{ what: 'No run has begun yet. The first one begins at 00:00 UTC, or now with “Run now”.' }}
          columns={[
            { title: 'Run', cell: (run) => <a href={`/runs/${run.id}`}>{KINDS[run.kind]}</a> },
            { title: 'Began', cell: (run) => <Time at={run.startedAt} /> },
            { title: 'Took', kind: 'n', cell: took },
            { title: 'Findings', kind: 'n', cell: ({ record }) => record.findings?.count ?? 0 },
            { title: 'Status', kind: 'lead', cell: (run) => <RunState of={run} /> },
          ]}
        />
      </PageSection>
    </>,
  )
}

/** The state of a run as a badge. */
export function RunState({ of: { status } }: { of: Run }) {
  const [mood, text] = STATES[status]
  return <Badge mood={mood}>{text}</Badge>
}

function took({ startedAt, endedAt }: Run): string {
  return endedAt === null ? '—' : span(endedAt - startedAt)
}

const one: PageHandler = async (c) => {
  const { ask } = c.get('desk')
  const asked = await ask<{ run: Run | null }>(`/runs/${encodeURIComponent(c.req.param('id') ?? '')}`)
  if (!asked.ok) return trouble(c, 'Run', asked)
  const { run } = asked.value
  if (!run)
    return show(c, 'Run', <p>The run has begun, and has not written its record yet. Load this page again.</p>)
  const {
    findings = { list: [], count: 0 },
    kind: _kind,
    window: _window,
    moment: _moment,
    ...sums
  } = run.record
  return show(
    c,
    `${KINDS[run.kind]} run`,
    <>
      <Head
        title={`${KINDS[run.kind]} run`}
        above={{ href: '/runs', title: 'Runs' }}
        asOf={asked.at}
        sources={['book']}
      />
      <PageSection title="Timeline" id="timeline">
        <ol class="steps">
          <li>
            <span>
              Began <Time at={run.startedAt} />
            </span>
          </li>
          <li>
            <span>
              {run.endedAt === null ? 'Under way' : <>Ended after {span(run.endedAt - run.startedAt)}</>}
            </span>
            <RunState of={run} />
          </li>
        </ol>
      </PageSection>
      <PageSection title="Findings" id="findings" note={`${findings.count} in this run`}>
        <Findings of={findings.list} />
      </PageSection>
      <PageSection title="Sums" id="sums">
        <Table
          caption="Sums of the run"
          rows={sumsIn(sums)}
          empty={{ what: 'The run has no sums yet. They appear when its first step ends.' }}
          columns={[
            { title: 'Sum', cell: ([name]) => words(name) },
            { title: 'Value', kind: 'lead', cell: ([, value]) => plain(value) },
          ]}
        />
      </PageSection>
    </>,
  )
}

/** Findings, with the account that each is about. */
export function Findings({ of }: { of: readonly Finding[] }) {
  return (
    <Table
      caption="Findings"
      rows={of}
      empty={{ what: 'This run found nothing wrong.' }}
      columns={[
        { title: 'Finding', cell: ({ what }) => words(what) },
        {
          title: 'Account',
          cell: ({ account }) => <a href={`/accounts/${encodeURIComponent(account)}`}>{account}</a>,
        },
        { title: 'Detail', kind: 'full', cell: ({ detail }) => detail },
      ]}
    />
  )
}

/** The sums of a record, and those of its parts under the name of the part. Lists are left out. */
function sumsIn(record: Record<string, unknown>, part = ''): [string, unknown][] {
  return Object.entries(record).flatMap(([name, value]): [string, unknown][] => {
    if (isPlain(value)) return [[part + name, value]]
    const isPart = part === '' && typeof value === 'object' && value !== null && !Array.isArray(value)
    return isPart ? sumsIn(value as Record<string, unknown>, `${name}: `) : []
  })
}

function isPlain(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}

/** Amounts are decimal strings in a record, and counts are numbers. */
function plain(value: unknown): string {
  return typeof value === 'string' && /^-?\d{1,39}$/.test(value) ? dollars(BigInt(value)) : String(value)
}

/** `Book ahead` of `book_ahead` or `bookAhead`. */
function words(name: string): string {
  const text = name.replace(/_/g, ' ').replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
  return text.charAt(0).toUpperCase() + text.slice(1)
}

const start: PageHandler = async (c) => {
  const asked = await c.get('desk').ask<{ runs: { id: string }[] }>('/runs', { method: 'POST' })
  if (!asked.ok) return trouble(c, 'Runs', asked)
  const [first] = asked.value.runs
  return c.redirect(first ? `/runs/${first.id}` : '/runs', 303)
}

/** The pages of runs. */
export const runPages: Routes = [
  { path: '/runs', get: list, post: start },
  { path: '/runs/:id', get: one },
]
