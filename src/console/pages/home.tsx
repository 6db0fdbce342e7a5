/** Home: what needs the operator first, then what is owed and how the last nights went. */
import type { InvoiceBody as Invoice, ListedBody as Listed, Paged, RunBody as Run } from '../answers.ts'
import { Badge, type Mood } from '../parts/badges.tsx'
import { Money, Time } from '../parts/figures.tsx'
import { Head, PageSection, Trouble } from '../parts/page.tsx'
import { Table } from '../parts/table.tsx'
import { type PageHandler, type Routes, show } from '../shell.tsx'
import { StageBadge } from './invoices.tsx'
import { RunState } from './runs.tsx'

type Need = { mood: Mood; word: string; title: string; text: string; href: string; act: string }

const home: PageHandler = async (c) => {
  const { ask } = c.get('desk')
  const [runs, accounts, invoices] = await Promise.all([
    ask<{ runs: Run[] }>('/runs?limit=50'),
    ask<Paged<'accounts', Listed>>('/accounts?limit=500'),
    ask<Paged<'invoices', Invoice, number>>('/invoices?limit=100'),
  ])
  if (!runs.ok) return show(c, 'Home', <Trouble problem={runs.problem} />, 503)
  const nights = runs.value.runs.filter(({ kind }) => kind !== 'watch')
  const owed = accounts.ok ? accounts.value.accounts : []
  const open = invoices.ok ? invoices.value.invoices.filter(({ owed }) => BigInt(owed) > 0n) : []
  const needs = [...needsOfRuns(nights), ...needsOfInvoices(open), ...needsOfAccounts(owed)]
  return show(
    c,
    'Home',
    <>
      <Head title="Home" asOf={runs.at} sources={['book']} />
      <PageSection
        title="Needs you"
        id="needs"
        note={needs.length > 0 && `${needs.length} open, worst first`}
      >
        {needs.length === 0 ? <p>Nothing needs you now.</p> : <Needs of={needs} />}
      </PageSection>
      <section class="tiles" aria-label="Owed">
        <Tile
          title="Owed to us"
          amount={sum(owed, 'charged') - sum(owed, 'redeemed')}
          note="charged, not yet redeemed"
        />
        <Tile title="Charged" amount={sum(owed, 'charged')} note="all accounts, since they opened" />
        <Tile title="Redeemed" amount={sum(owed, 'redeemed')} note="claimed or paid" />
        <Tile
          title="Invoices open"
          amount={open.reduce((all, { owed }) => all + BigInt(owed), 0n)}
          note={`${open.length} invoices`}
        />
      </section>
      <PageSection title="Last runs" id="runs" note={<a href="/runs">All runs</a>}>
        <Table
          caption="The last runs"
          rows={nights.slice(0, 7)}
          empty={{ what: 'No run has begun yet. The first one begins at 00:00 UTC.' }}
          columns={[
            { title: 'Run', cell: ({ id, kind }) => <a href={`/runs/${id}`}>{kind}</a> },
            { title: 'Status', kind: 'lead', cell: (run) => <RunState of={run} /> },
            { title: 'Began', cell: ({ startedAt }) => <Time at={startedAt} /> },
            { title: 'Findings', kind: 'n', cell: ({ record }) => record.findings?.length ?? 0 },
          ]}
        />
      </PageSection>
      <PageSection title="Open invoices" id="invoices" note={<a href="/invoices">All invoices</a>}>
        <Table
          caption="Open invoices"
          rows={open.slice(0, 10)}
          empty={{ what: 'No invoice is open.' }}
          columns={[
            { title: 'Invoice', cell: ({ id }) => <a href={`/invoices/${id}`}>{id}</a> },
            { title: 'To', cell: ({ buyer }) => buyer.name },
            { title: 'Stage', cell: (invoice) => <StageBadge of={invoice} /> },
            { title: 'Due', cell: ({ dueAt }) => <Time at={dueAt} day /> },
            { title: 'Owed', kind: 'lead', cell: ({ owed }) => <Money of={owed} /> },
          ]}
        />
      </PageSection>
    </>,
  )
}

function Needs({ of }: { of: readonly Need[] }) {
  return (
    <ul class="needs">
      {of.map(({ mood, word, title, text, href, act }) => (
        <li>
          <Badge mood={mood}>{word}</Badge>
          <div>
            <h3>{title}</h3>
            <p>{text}</p>
          </div>
          <span />
          <a class="btn" href={href}>
            {act}
          </a>
        </li>
      ))}
    </ul>
  )
}

function Tile({ title, amount, note }: { title: string; amount: bigint; note: string }) {
  return (
    <div class="tile">
      <h3>{title}</h3>
      <p class="big">
        <Money of={amount} />
      </p>
      <p class="soft">{note}</p>
    </div>
  )
}

function sum(accounts: readonly Listed[], name: 'charged' | 'redeemed'): bigint {
  return accounts.reduce((all, { totals }) => all + (totals ? BigInt(totals[name]) : 0n), 0n)
}

/** The latest run of each kind, where it did not settle. */
function needsOfRuns(runs: readonly Run[]): Need[] {
  const latest = new Map<Run['kind'], Run>()
  for (const run of runs) if (!latest.has(run.kind)) latest.set(run.kind, run)
  return [...latest.values()].flatMap(({ id, kind, status, record }): Need[] => {
    if (status === 'settled' || status === 'running') return []
    const found = record.findings?.length ?? 0
    const isBad = status !== 'in_doubt'
    return [
      {
        mood: isBad ? 'bad' : 'warn',
        word: isBad ? 'Critical' : 'Warning',
        title: `The last ${kind} run ended as ${status.replace('_', ' ')}`,
        text: `${found} ${found === 1 ? 'finding' : 'findings'}. The next run continues with what is left.`,
        href: `/runs/${id}`,
        act: 'Read findings',
      },
    ]
  })
}

function needsOfInvoices(invoices: readonly Invoice[]): Need[] {
  return invoices
    .filter(({ stage }) => stage === 'past_due' || stage === 'suspended')
    .map(({ id, buyer, dueAt }) => ({
      mood: 'warn',
      word: 'Warning',
      title: `${buyer.name} is past due`,
      text: `Invoice ${id} was due on ${new Date(dueAt).toISOString().slice(0, 10)}.`,
      href: `/invoices/${id}`,
      act: 'Open invoice',
    }))
}

function needsOfAccounts(accounts: readonly Listed[]): Need[] {
  return accounts
    .filter(({ quarantine }) => quarantine)
    .map(({ id, quarantine }) => ({
      mood: 'bad',
      word: 'Critical',
      title: 'A channel is in quarantine',
      text: quarantine ?? '',
      href: `/accounts/${id}`,
      act: 'Open account',
    }))
}

/** The first page. */
export const homePages: Routes = [{ path: '/', get: home }]
