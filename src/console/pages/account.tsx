/** One account: how far its tab has come, what can be done about it, and its journal. */
import type { Context } from 'hono'
import { may } from '../../people/principal.ts'
import { type Acted, carryOut } from '../acting.tsx'
import type {
  AccountBody as Account,
  EntryBody as Entry,
  PaymentBody as Payment,
  Problem,
} from '../answers.ts'
import { crawlerName } from '../figures.ts'
import { PAGE_ROWS, queryOf, type ReadRows } from '../list.ts'
import { entryTitle, kindTitle, shortened } from '../parts/account.ts'
import { Badge } from '../parts/badges.tsx'
import { dollars, Exact, Money, Time, Whole } from '../parts/figures.tsx'
import { ActForm, type Typed } from '../parts/form.tsx'
import { List, type ListPart, listFile } from '../parts/list.tsx'
import { FactList, Head, PageSection, Trouble } from '../parts/page.tsx'
import { TabBar } from '../parts/tab-bar.tsx'
import { type ConsoleEnv, type PageHandler, show, trouble, urlOf } from '../shell.tsx'
import { Held } from './hold.tsx'
import { ruleName } from './policy/try.tsx'

type Refused = Extract<Acted, { problem: Problem }>

const SALE = [
  { name: 'site', label: 'Site', hint: 'tally-and-ink' },
  { name: 'rule', label: 'Rule', hint: 'RULES[0]' },
  { name: 'who', label: 'Crawler', hint: '~GPTBot' },
] as const

const iso = (at: number | null) => (at === null ? null : new Date(at).toISOString())

function journalOf(account: string): ListPart<Entry> {
  const href = (seq: number) => `/accounts/${encodeURIComponent(account)}/entries/${seq}`
  return {
    caption: 'Entries of the journal',
    filters: SALE,
    sort: '-entry',
    idOf: ({ seq }) => `entry-${seq}`,
    empty: { what: 'No entry yet. The first charge appears here at once.' },
    columns: [
      {
        title: 'Entry',
        key: 'entry',
        sort: 'down',
        value: ({ seq }) => seq,
        cell: ({ seq, kind }) => <a href={href(seq)}>{`${seq} ${entryTitle(kind)}`}</a>,
      },
      { title: 'Kind', key: 'kind', isFileOnly: true, value: ({ kind }) => kind, cell: () => '' },
      { title: 'Time', key: 'at', value: ({ at }) => iso(at), cell: ({ at }) => <Time at={at} seconds /> },
      { title: 'Site', key: 'site', isFileOnly: true, value: ({ site }) => site ?? null, cell: () => '' },
      {
        title: 'Request',
        key: 'request',
        kind: 'full',
        value: ({ request }) => request,
        cell: ({ request }) => <Request of={request} />,
      },
      { title: 'Rule', key: 'rule', value: ({ rule }) => rule, cell: ({ rule }) => <Rule of={rule} /> },
      {
        title: 'Crawler',
        key: 'who',
        value: ({ who }) => who ?? null,
        cell: ({ who }) => who && <span title={who}>{crawlerName(who)}</span>,
      },
      {
        title: 'Transaction',
        key: 'transaction',
        isFileOnly: true,
        value: ({ transaction }) => transaction ?? null,
        cell: () => '',
      },
      {
        title: 'Charged in all',
        key: 'charged',
        kind: 'n',
        value: ({ charged }) => BigInt(charged),
        cell: ({ charged }) => <Exact of={charged} />,
      },
      {
        title: 'Redeemed in all',
        key: 'redeemed',
        isFileOnly: true,
        value: ({ redeemed }) => BigInt(redeemed),
        cell: () => '',
      },
      {
        title: 'Amount',
        key: 'amount',
        kind: 'lead',
        value: ({ amount }) => BigInt(amount),
        cell: ({ amount }) => <Exact of={amount} />,
      },
    ],
  }
}

const PAYMENTS: ListPart<Payment> = {
  caption: 'Payments',
  filters: SALE,
  sort: 'id',
  empty: { what: 'No payment yet.' },
  columns: [
    {
      title: 'Payment',
      key: 'id',
      value: ({ id }) => id,
      cell: ({ id }) => <code title={id}>{shortened(id)}</code>,
    },
    { title: 'Time', key: 'at', value: ({ at }) => iso(at), cell: ({ at }) => <Time at={at} seconds /> },
    {
      title: 'Request',
      key: 'request',
      kind: 'full',
      value: ({ request }) => request,
      cell: ({ request }) => <Request of={request} />,
    },
    { title: 'Rule', key: 'rule', value: ({ rule }) => rule, cell: ({ rule }) => <Rule of={rule} /> },
    {
      title: 'Transaction',
      key: 'transaction',
      isFileOnly: true,
      value: ({ transaction }) => transaction,
      cell: () => '',
    },
    {
      title: 'Status',
      key: 'status',
      value: ({ status }) => status,
      cell: ({ status }) => <Badge>{status}</Badge>,
    },
    {
      title: 'Amount',
      key: 'amount',
      kind: 'lead',
      value: ({ amount }) => BigInt(amount),
      cell: ({ amount }) => <Exact of={amount} />,
    },
  ],
}

/** The rule in words, with the name that the filter takes as its title. */
function Rule({ of }: { of: string | null }) {
  return of === null ? null : <span title={of}>{ruleName(of)}</span>
}

/** The path of a request; its method and host are in the title, and in the entry. */
function Request({ of }: { of: string | null }) {
  if (of === null) return null
  const url = URL.parse(of.split(' ')[1] ?? '')
  return <code title={of}>{url ? `${url.host}${url.pathname}${url.search}` : of}</code>
}

/** Reads a page of the journal, the newest entry first. A page that filters narrow can be short before the last one. */
function readJournal<Row>(id: string, key: 'entries' | 'payments'): ReadRows<Row> {
  return async (ask, query) => {
    const asked = await ask<Account>(`/accounts/${encodeURIComponent(id)}?${query}`)
    if (!asked.ok) return asked
    const rows = (asked.value as unknown as Record<string, Row[]>)[key] ?? []
    const { next } = asked.value
    return { ...asked, value: { rows, next: next === null || next === 1 ? null : String(next) } }
  }
}

/** The page of an account, and its journal as a file. */
export const oneAccount: PageHandler = async (c) => page(c)

async function page(c: Context<ConsoleEnv>, refused?: Refused): Promise<Response> {
  const url = urlOf(c)
  const id = c.req.param('id') ?? ''
  const isExact = id.includes(':')
  const { ask, who, formToken } = c.get('desk')
  const query = queryOf(url, SALE, isExact ? 'id' : '-entry')
  const of = { query, list: `/accounts/${id}` }
  const file = isExact
    ? await listFile(c, 'Account', { ...of, ...PAYMENTS, read: readJournal<Payment>(id, 'payments') })
    : await listFile(c, 'Account', { ...of, ...journalOf(id), read: readJournal<Entry>(id, 'entries') })
  if (file) return file
  const asked = await ask<Account>(`/accounts/${encodeURIComponent(id)}?${query}&limit=${PAGE_ROWS}`)
  if (!asked.ok) return trouble(c, 'Account', asked)
  const account = asked.value
  const channel = isChannel(account) ? account : null
  const hold = holdOf(account)
  const title = 'name' in account ? account.name : `${kindTitle(account.kind)} ${shortened(account.id)}`
  const next = account.next === null || account.next === 1 ? null : String(account.next)
  return show(
    c,
    title,
    <>
      <Head
        title={title}
        above={{ href: '/accounts', title: 'Accounts' }}
        meta={<State of={account} />}
        asOf={asked.at}
        sources={['live']}
      >
        {channel && may(who, 'runs.write') && (
          <ActForm
            action={`/accounts/${encodeURIComponent(account.id)}/reread`}
            formToken={formToken}
            title="Read the chain again"
          />
        )}
      </Head>
      {refused && <Trouble problem={refused.problem} />}
      <PageSection title="The tab" id="tab" note={kindTitle(account.kind)} isLive>
        <Tab of={account} />
      </PageSection>
      {hold && (
        <Held
          account={account.id}
          hold={hold}
          unclaimed={channel && unclaimedOf(channel)}
          formToken={may(who, 'money.write') ? formToken : null}
          refused={refused}
        />
      )}
      {channel?.standing.quarantine && may(who, 'money.write') && (
        <Quarantine formToken={formToken} account={channel} />
      )}
      <PageSection
        title="Journal"
        id="journal"
        note={isExact ? 'USD' : 'USD. Each entry has its proof'}
        isLive
      >
        {'payments' in account ? (
          <List spec={PAYMENTS} query={query} page={{ rows: account.payments, next }} who={who} />
        ) : (
          <List spec={journalOf(id)} query={query} page={{ rows: account.entries, next }} who={who} />
        )}
      </PageSection>
    </>,
    refused?.status ?? 200,
  )
}

function State({ of: account }: { of: Account }) {
  if (holdOf(account)) return <Badge mood="bad">Held</Badge>
  if ('payments' in account) return null
  if ('name' in account)
    return account.standing.status === 'open' ? (
      <Badge mood="good">Open</Badge>
    ) : (
      <Badge mood="bad">Suspended</Badge>
    )
  const { quarantine, state } = account.standing
  if (quarantine) return <Badge mood="bad">Quarantined</Badge>
  return state.withdrawRequestedAt > 0 ? (
    <Badge mood="bad">Withdrawal started</Badge>
  ) : (
    <Badge mood="good">Open</Badge>
  )
}

function Tab({ of: account }: { of: Account }) {
  if ('payments' in account) {
    const { payments, received, inDoubt, undelivered, watched, provisional, lost } = account.totals
    return (
      <FactList
        of={[
          ['Id', <code>{account.id}</code>],
          ['Payments', <Whole of={payments} />],
          ['Received', <Money of={received} />],
          ['In doubt', <Whole of={inDoubt} />],
          ['Undelivered', <Whole of={undelivered} />],
          ['Watched', <Whole of={watched} />],
          ['Not final', <Whole of={provisional} />],
          ['Lost', <Whole of={lost} />],
        ]}
      />
    )
  }
  if ('name' in account) {
    const { limit, charged, redeemed, owed, available } = account.standing
    return (
      <>
        <TabBar
          parts={[
            { name: 'Redeemed', total: BigInt(redeemed), note: 'invoices that were paid' },
            { name: 'Charged', total: BigInt(charged), note: `${dollars(BigInt(owed))} of it owed` },
            {
              name: 'Ceiling',
              total: BigInt(redeemed) + BigInt(limit),
              note: `${dollars(BigInt(available))} can still be spent`,
            },
          ]}
        />
        <FactList
          of={[
            ['Agent', <a href={`/agents/${account.id}`}>{account.id}</a>],
            ['Opened', <Time at={account.openedAt} />],
            ['Credit limit', <Money of={limit} />],
          ]}
        />
      </>
    )
  }
  return <Channel of={account} />
}

type ChannelAccount = Extract<Account, { standing: { quarantine: string | null } }>

function Channel({ of: { id, standing } }: { of: ChannelAccount }) {
  const { authorized, charged, redeemed, config, state, quarantine, unresolved, hold } = standing
  const [unclaimed, uncharged] = [unclaimedOf({ standing }), BigInt(authorized) - BigInt(charged)]
  const free = BigInt(state.balance) - BigInt(authorized)
  return (
    <>
      <TabBar
        parts={[
          { name: 'Redeemed', total: BigInt(redeemed), note: 'claimed on the chain' },
          { name: 'Charged', total: BigInt(charged), note: `${dollars(unclaimed)} of it not claimed` },
          { name: 'Authorized', total: BigInt(authorized), note: `${dollars(uncharged)} of it not charged` },
          {
            name: 'Ceiling',
            total: BigInt(state.balance),
            note: `the escrow; ${dollars(free < 0n ? 0n : free)} free`,
          },
        ]}
      />
      <FactList
        of={[
          ['Channel', <code>{id}</code>],
          ['Payer', <code>{config.payer}</code>],
          ['Receiver', <code>{config.receiver}</code>],
          [
            'Withdrawal',
            state.withdrawRequestedAt > 0 ? (
              <>
                <Money of={state.withdrawAmount} /> asked for on{' '}
                <Time at={state.withdrawRequestedAt * 1000} />
              </>
            ) : (
              'None asked for'
            ),
          ],
          ['Hold', hold ? hold.list : 'None'],
          ['Quarantine', quarantine ?? 'None'],
          ['Under way', unresolved ? `${unresolved.kind} ${unresolved.id}` : 'Nothing'],
        ]}
      />
    </>
  )
}

/** The act that a channel in quarantine waits for. */
function Quarantine({ formToken, account }: { formToken: string; account: ChannelAccount }) {
  const { quarantine } = account.standing
  const unclaimed = dollars(unclaimedOf(account))
  return (
    <PageSection title="In quarantine" id="quarantine">
      <div class="box">
        <p>{`Claims leave this channel out: ${quarantine}. Without the quarantine the next run claims ${unclaimed} from it with all others.`}</p>
        <ActForm
          action={`/accounts/${encodeURIComponent(account.id)}/lift`}
          formToken={formToken}
          title={`Lift the quarantine of ${unclaimed} on ${shortened(account.id)}`}
          isMain
        />
      </div>
    </PageSection>
  )
}

function isChannel(account: Account): account is ChannelAccount {
  return 'standing' in account && !('name' in account)
}

function holdOf(account: Account) {
  if ('payments' in account) return account.hold
  return isChannel(account) ? account.standing.hold : undefined
}

function unclaimedOf({ standing: { charged, redeemed } }: Pick<ChannelAccount, 'standing'>): bigint {
  return BigInt(charged) - BigInt(redeemed)
}

/** An act on an account, which leads back to its page. */
function act(path: string, body?: (typed: Typed) => object): PageHandler {
  return async (c) => {
    const own = `/accounts/${encodeURIComponent(c.req.param('id') ?? '')}`
    const acted = await carryOut(c, own, (typed) => ({
      path: `${own}${path}`,
      ...(body && { body: body(typed) }),
    }))
    return 'answer' in acted ? acted.answer : page(c, acted)
  }
}

/** Ends the hold of a channel or an address. */
export const releaseHold = act('/release', ({ reason = '' }) => ({ reason: reason.trim() }))

/** Takes a channel out of quarantine. */
export const liftQuarantine = act('/lift')

/** Reads a channel from the chain. */
export const readFromChain = act('/reread')
