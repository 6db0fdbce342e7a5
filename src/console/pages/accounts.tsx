/** Accounts: channels, payers of `exact` and credit lines, and the journal of each. */
import type { Child } from 'hono/jsx'
import type {
  AccountBody as Account,
  EntryBody as Entry,
  ListedBody as Listed,
  Paged,
  PaymentBody as Payment,
} from '../answers.ts'
import { Badge } from '../parts/badges.tsx'
import { Exact, Money, Time, Whole } from '../parts/figures.tsx'
import { FactList, Head, PageSection } from '../parts/page.tsx'
import { type Column, More, Table } from '../parts/table.tsx'
import { type PageHandler, type Routes, show, trouble, urlOf } from '../shell.tsx'

/** `Channel` of `channel`. */
function titleOf(kind: string): string {
  return kind.charAt(0).toUpperCase() + kind.slice(1)
}

/** `0x7c1f…9be2` of a long name; short ones stay. */
export function shortened(id: string): string {
  return id.length > 24 ? `${id.slice(0, 10)}…${id.slice(-4)}` : id
}

const list: PageHandler = async (c) => {
  const url = urlOf(c)
  const asked = await c.get('desk').ask<Paged<'accounts', Listed>>(`/accounts${url.search}`)
  if (!asked.ok) return trouble(c, 'Accounts', asked)
  const { accounts, next } = asked.value
  return show(
    c,
    'Accounts',
    <>
      <Head title="Accounts" asOf={asked.at} sources={['book']} />
      <PageSection title="All accounts" id="all" note="USD">
        <Table
          caption="Accounts by id"
          rows={accounts}
          empty={{ what: 'No account yet. A channel opens with a crawler’s first deposit.', next: <TryIt /> }}
          columns={[
            {
              title: 'Account',
              cell: ({ id, name }) => (
                <a href={`/accounts/${encodeURIComponent(id)}`}>{name ?? shortened(id)}</a>
              ),
            },
            { title: 'Kind', cell: ({ kind }) => titleOf(kind) },
            {
              title: 'Authorized',
              kind: 'n',
              cell: ({ totals }) => totals && <Exact of={totals.authorized} />,
            },
            { title: 'Charged', kind: 'n', cell: ({ totals }) => totals && <Exact of={totals.charged} /> },
            { title: 'Redeemed', kind: 'n', cell: ({ totals }) => totals && <Exact of={totals.redeemed} /> },
            { title: 'Owed', kind: 'lead', cell: ({ totals }) => totals && <Exact of={owedOn(totals)} /> },
            { title: 'State', cell: stateOf },
          ]}
        />
        <More url={url} next={next} />
      </PageSection>
    </>,
  )
}

function TryIt() {
  return (
    <>
      See what a crawler is asked: <a href="/policy">try a URL</a>.
    </>
  )
}

function owedOn({ charged, redeemed }: { charged: string; redeemed: string }): bigint {
  return BigInt(charged) - BigInt(redeemed)
}

function stateOf({ quarantine, closed }: Listed) {
  if (quarantine) return <Badge mood="bad">Quarantined</Badge>
  if (closed) return <Badge mood="warn">Suspended</Badge>
  return <Badge mood="good">Open</Badge>
}

const one: PageHandler = async (c) => {
  const url = urlOf(c)
  const id = c.req.param('id') ?? ''
  const query = new URLSearchParams({ evidence: 'true' })
  const after = url.searchParams.get('after')
  if (after) query.set('after', after)
  const asked = await c.get('desk').ask<Account>(`/accounts/${encodeURIComponent(id)}?${query}`)
  if (!asked.ok) return trouble(c, 'Account', asked)
  const account = asked.value
  return show(
    c,
    titleOf(account.kind),
    <>
      <Head
        title={titleOf(account.kind)}
        above={{ href: '/accounts', title: 'Accounts' }}
        asOf={asked.at}
        sources={['live']}
      />
      <p>
        <code>{account.id}</code>
      </p>
      <Totals of={account} />
      <Journal of={account} />
      <More url={url} next={account.next} />
    </>,
  )
}

function Totals({ of: account }: { of: Account }) {
  return (
    <PageSection title={'name' in account ? account.name : 'Standing'} id="standing">
      <FactList of={standingOf(account)} />
    </PageSection>
  )
}

function standingOf(account: Account): readonly (readonly [string, Child])[] {
  if ('payments' in account) {
    const { payments, received, inDoubt, undelivered, watched } = account.totals
    return [
      ['Payments', <Whole of={payments} />],
      ['Received', <Money of={received} />],
      ['In doubt', <Whole of={inDoubt} />],
      ['Undelivered', <Whole of={undelivered} />],
      ['Watched', <Whole of={watched} />],
    ]
  }
  if ('name' in account) {
    const { status, limit, charged, redeemed, owed, available } = account.standing
    return [
      ['Status', status],
      ['Opened', <Time at={account.openedAt} />],
      ['Credit limit', <Money of={limit} />],
      ['Charged', <Money of={charged} />],
      ['Redeemed', <Money of={redeemed} />],
      ['Owed', <Money of={owed} />],
      ['Can still spend', <Money of={available} />],
    ]
  }
  const { authorized, charged, redeemed, config, state, quarantine } = account.standing
  return [
    ['Payer', <code>{config.payer}</code>],
    ['Receiver', <code>{config.receiver}</code>],
    ['Escrow', <Money of={state.balance} />],
    ['Authorized', <Money of={authorized} />],
    ['Charged', <Money of={charged} />],
    ['Redeemed', <Money of={redeemed} />],
    ['Unclaimed', <Money of={BigInt(charged) - BigInt(redeemed)} />],
    ['Withdrawal', state.withdrawRequestedAt > 0 ? <Badge mood="warn">Requested</Badge> : 'None asked for'],
    ['Quarantine', quarantine ? <Badge mood="bad">{quarantine}</Badge> : 'None'],
  ]
}

const JOURNAL: readonly [Column<Entry>, ...Column<Entry>[]] = [
  { title: 'Entry', cell: ({ seq, kind }) => `${seq} ${kind}` },
  { title: 'Time', cell: ({ at }) => <Time at={at} /> },
  { title: 'Request', kind: 'full', cell: ({ request }) => request && <code>{request}</code> },
  { title: 'Rule', cell: ({ rule }) => rule },
  { title: 'Who', cell: ({ who }) => who },
  { title: 'Amount', kind: 'lead', cell: ({ amount }) => <Exact of={amount} /> },
  { title: 'Charged in all', kind: 'n', cell: ({ charged }) => <Exact of={charged} /> },
]

const PAYMENTS: readonly [Column<Payment>, ...Column<Payment>[]] = [
  { title: 'Payment', cell: ({ id }) => <code>{shortened(id)}</code> },
  { title: 'Time', cell: ({ at }) => <Time at={at} /> },
  { title: 'Request', kind: 'full', cell: ({ request }) => <code>{request}</code> },
  { title: 'Status', cell: ({ status }) => status },
  { title: 'Amount', kind: 'lead', cell: ({ amount }) => <Exact of={amount} /> },
]

function Journal({ of: account }: { of: Account }) {
  return (
    <PageSection title="Journal" id="journal" note="USD, the oldest first">
      {'payments' in account ? (
        <Table
          caption="Payments"
          rows={account.payments}
          columns={PAYMENTS}
          empty={{ what: 'No payment on this page.' }}
        />
      ) : (
        <Table
          caption="Entries of the journal"
          rows={account.entries}
          columns={JOURNAL}
          empty={{ what: 'No entry on this page.' }}
        />
      )}
    </PageSection>
  )
}

/** The pages of accounts. */
export const accountPages: Routes = [
  { path: '/accounts', get: list },
  { path: '/accounts/:id', get: one },
]
