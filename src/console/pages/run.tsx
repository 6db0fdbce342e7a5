/** One run: the timeline of its steps, its findings, its transactions and its sums. */
import type { Child } from 'hono/jsx'
import type { FindingBody as Finding, RunBody as Run } from '../answers.ts'
import { Badge } from '../parts/badges.tsx'
import { dollars, Exact, span, Time } from '../parts/figures.tsx'
import { FactList, Head, PageSection } from '../parts/page.tsx'
import { counted, RUN_NAMES, RunState, sumsIn } from '../parts/run.tsx'
import { Table } from '../parts/table.tsx'
import { type PageHandler, show, trouble } from '../shell.tsx'

type Sent = {
  kind: 'claim' | 'sweep'
  id: string
  status: string
  hash: string | null
  rows: number
  amount: string
  reason: string | null
}

/** A list in a run's record: cut at the first, `count` has all. */
type Counted<Item> = { count: number; list: Item[] }

const NONE = { count: 0, list: [] }

/** The page of a run. */
export const oneRun: PageHandler = async (c) => {
  const { ask } = c.get('desk')
  const above = { href: '/runs', title: 'Runs' }
  const asked = await ask<{ run: Run | null }>(`/runs/${encodeURIComponent(c.req.param('id') ?? '')}`)
  if (!asked.ok) return trouble(c, 'Run', asked)
  const { run } = asked.value
  if (!run)
    return show(
      c,
      'Run',
      <>
        <Head title="The run has begun" above={above} asOf={asked.at} sources={['live']} />
        <p class="gap">Its record is written with its first step. Load this page again in a moment.</p>
      </>,
    )
  const title = `${RUN_NAMES[run.kind]} run`
  const { findings = NONE, transactions = NONE } = run.record as {
    findings?: Counted<Finding>
    transactions?: Counted<Sent>
  }
  return show(
    c,
    title,
    <>
      <Head title={title} above={above} meta={<RunState of={run} />} asOf={asked.at} sources={['book']} />
      <PageSection title="Timeline" id="timeline" note={<code>{run.id}</code>} isLive>
        <Timeline run={run} />
      </PageSection>
      <PageSection title="Findings" id="findings" note={`${findings.count} in this run`}>
        <Findings of={findings.list} />
      </PageSection>
      {transactions.count > 0 && (
        <PageSection title="Transactions" id="transactions" note="USD">
          <Transactions of={transactions.list} />
        </PageSection>
      )}
      <Sums of={run} />
    </>,
  )
}

/** The steps that a record has, in their order. */
function Timeline({ run }: { run: Run }) {
  const { startedAt, endedAt, record } = run
  return (
    <ol class="steps">
      <Step text="Began" state={<Time at={startedAt} />} />
      {stepsIn(record).map(([text, state]) => (
        <Step text={text} state={state} />
      ))}
      <Step
        text={endedAt === null ? 'Under way' : `Ended after ${span(endedAt - startedAt)}`}
        state={endedAt === null ? <RunState of={run} /> : <Time at={endedAt} />}
      />
    </ol>
  )
}

function Step({ text, state }: { text: string; state: Child }) {
  return (
    <li>
      <span>{text}</span>
      <span>{state}</span>
    </li>
  )
}

type StepSums = {
  channels?: number
  charged?: string
  payers?: number
  received?: string
  invoices?: number
  invoiced?: string
}

type RunSums = {
  claimed?: string
  swept?: string
  sums?: StepSums
  exact?: StepSums
  bill?: StepSums
  dust?: { count: number; amount: string }
  quarantined?: { accounts: number }
}

function stepsIn(record: Run['record']): (readonly [string, Child])[] {
  const { claimed, swept, sums, exact, bill, dust, quarantined } = record as RunSums
  const usd = (amount: string) => dollars(BigInt(amount))
  const isSum = (amount: unknown): amount is string => typeof amount === 'string' && amount !== '0'
  const steps: (readonly [string, Child] | false | undefined)[] = [
    isSum(claimed) && ['Claimed from channels', usd(claimed)],
    isSum(swept) && ['Swept to receivers', usd(swept)],
    sums && [`Compared ${counted(sums.channels ?? 0, 'channels')} with the chain`, usd(sums.charged ?? '0')],
    exact && [`Compared ${counted(exact.payers ?? 0, 'payers')} by exact`, usd(exact.received ?? '0')],
    bill && isSum(bill.invoiced) && ['Invoiced', usd(bill.invoiced)],
    bill && isSum(bill.received) && ['Received by invoices', usd(bill.received)],
    dust &&
      dust.count > 0 && [
        `Left ${counted(dust.count, 'accounts')} whose claims are not worth their gas yet`,
        usd(dust.amount),
      ],
    quarantined &&
      quarantined.accounts > 0 && [
        `Left ${counted(quarantined.accounts, 'accounts')} in quarantine`,
        <Badge mood="warn">Waiting</Badge>,
      ],
  ]
  return steps.filter((step): step is readonly [string, Child] => Array.isArray(step))
}

/** Codes whose account is a network, a receiver or the relayer. */
const OF_NO_ACCOUNT = [
  'network_differs',
  'receiver_behind',
  'unswept',
  'low_gas',
  'nonce_hole',
  'nonce_filled',
  'key_shared',
]
/** Parts of the deployment that a finding names in place of an account. */
const PARTS = ['figures', 'watch', 'relayer', 'agents']

/** Whether the console has a page for the account of a finding. */
function hasPage({ what, account }: Finding): boolean {
  return !OF_NO_ACCOUNT.includes(what) && !PARTS.includes(account)
}

function Findings({ of }: { of: readonly Finding[] }) {
  return (
    <Table
      caption="Findings"
      rows={of}
      empty={{ what: 'This run found nothing wrong.' }}
      columns={[
        { title: 'Finding', cell: ({ what }) => words(what) },
        {
          title: 'Account',
          kind: 'full',
          cell: (finding) =>
            hasPage(finding) ? (
              <a href={`/accounts/${encodeURIComponent(finding.account)}`}>
                <code>{finding.account}</code>
              </a>
            ) : (
              <code>{finding.account}</code>
            ),
        },
        { title: 'Detail', kind: 'full', cell: ({ detail }) => detail },
      ]}
    />
  )
}

function Transactions({ of }: { of: readonly Sent[] }) {
  return (
    <Table
      caption="Transactions of the run"
      rows={of}
      empty={{ what: 'This run sent none.' }}
      columns={[
        { title: 'Kind', cell: ({ kind }) => words(kind) },
        {
          title: 'Transaction',
          kind: 'full',
          cell: ({ hash, reason }) => (hash ? <code>{hash}</code> : (reason ?? 'not sent yet')),
        },
        { title: 'Channels', kind: 'n', cell: ({ kind, rows }) => (kind === 'sweep' ? '—' : rows) },
        {
          title: 'Status',
          cell: ({ status }) => <Badge mood={status === 'mined' ? 'good' : 'warn'}>{words(status)}</Badge>,
        },
        { title: 'Amount', kind: 'lead', cell: ({ amount }) => <Exact of={amount} /> },
      ]}
    />
  )
}

function Sums({ of: { record } }: { of: Run }) {
  const rows = sumsIn(record)
  return (
    <PageSection title="Sums" id="sums" note="USD">
      {rows.length === 0 ? (
        <p class="soft">No sums yet. They appear when the first step of the run ends.</p>
      ) : (
        <FactList of={rows} />
      )}
    </PageSection>
  )
}

/** `Book ahead` of `book_ahead` or `bookAhead`. */
function words(name: string): string {
  const text = name.replace(/_/g, ' ').replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
  return text.charAt(0).toUpperCase() + text.slice(1)
}
