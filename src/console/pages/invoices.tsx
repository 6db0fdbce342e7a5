/** Invoices: what each says, and the acts on it: a transfer received or returned, and a credit note. */
import type { Context } from 'hono'
import { may } from '../../people/principal.ts'
import { type Acted, carryOut } from '../acting.tsx'
import type { InvoiceBody as Invoice, Problem } from '../answers.ts'
import { rowsAt } from '../list.ts'
import { entryTitle } from '../parts/account.ts'
import { Badge, type Mood } from '../parts/badges.tsx'
import { dollars, Exact, Money, Time } from '../parts/figures.tsx'
import { ActForm, Field, type Typed } from '../parts/form.tsx'
import { type ListSpec, listPage } from '../parts/list.tsx'
import { FactList, Head, PageSection, Trouble } from '../parts/page.tsx'
import { Table } from '../parts/table.tsx'
import { type ConsoleEnv, type PageHandler, type Routes, show, trouble } from '../shell.tsx'

const STAGES: Readonly<Record<string, readonly [Mood, string]>> = {
  open: ['plain', 'Open'],
  due: ['warn', 'Due'],
  past_due: ['bad', 'Past due'],
  suspended: ['bad', 'Suspended'],
  written_off: ['bad', 'Written off'],
  settled: ['good', 'Settled'],
}

const day = (at: number) => new Date(at).toISOString().slice(0, 10)

const LIST: ListSpec<Invoice> = {
  title: 'Invoices',
  heading: 'All invoices',
  caption: 'Invoices',
  note: 'USD',
  sources: ['book'],
  filters: [
    {
      name: 'stage',
      label: 'Stage',
      choices: Object.entries(STAGES).map(([name, [, title]]) => [name, title] as const),
    },
    { name: 'agent', label: 'Agent', hint: 'The id of an agent' },
  ],
  sort: '-number',
  read: rowsAt('/invoices', 'invoices'),
  empty: {
    what: 'No invoice yet. A billing run writes them when a period ends.',
    next: <a href="/agents">See the agents that have credit</a>,
  },
  absent: (
    <p>
      Credit is not set up on this deployment. Invoices come with it: docs/credit.md says how to let agents
      pay later.
    </p>
  ),
  idOf: ({ id }) => id,
  columns: [
    {
      title: 'Invoice',
      key: 'number',
      sort: 'down',
      value: ({ id }) => id,
      cell: ({ id }) => <a href={`/invoices/${id}`}>{id}</a>,
    },
    {
      title: 'To',
      key: 'agent',
      value: ({ agent }) => agent,
      cell: ({ agent, buyer }) => <a href={`/agents/${agent}`}>{buyer.name}</a>,
    },
    {
      title: 'Stage',
      key: 'stage',
      value: ({ stage }) => stage,
      cell: (invoice) => <StageBadge of={invoice} />,
    },
    {
      title: 'Due',
      key: 'due',
      sort: 'down',
      value: ({ dueAt }) => day(dueAt),
      cell: ({ dueAt }) => <Time at={dueAt} day />,
    },
    {
      title: 'Total',
      key: 'total',
      sort: 'down',
      kind: 'n',
      value: ({ total }) => BigInt(total),
      cell: ({ total }) => <Exact of={total} />,
    },
    {
      title: 'Paid',
      key: 'paid',
      kind: 'n',
      value: ({ paid }) => BigInt(paid),
      cell: ({ paid }) => <Exact of={paid} />,
    },
    {
      title: 'Owed',
      key: 'owed',
      sort: 'down',
      kind: 'lead',
      value: ({ owed }) => BigInt(owed),
      cell: ({ owed }) => <Exact of={owed} />,
    },
  ],
}

/** The stage of an invoice. */
export function StageBadge({ of: { stage } }: { of: Pick<Invoice, 'stage'> }) {
  const [mood, text] = STAGES[stage] ?? (['plain', stage] as const)
  return <Badge mood={mood}>{text}</Badge>
}

const one: PageHandler = async (c) => page(c)

/** The page of an invoice; with the problem of an act, and what was typed for it. */
async function page(
  c: Context<ConsoleEnv>,
  refused?: Extract<Acted, { problem: Problem }>,
): Promise<Response> {
  const { ask, who } = c.get('desk')
  const id = c.req.param('id') ?? ''
  const asked = await ask<Invoice>(`/invoices/${encodeURIComponent(id)}`)
  if (!asked.ok) return trouble(c, 'Invoice', asked)
  const invoice = asked.value
  return show(
    c,
    `Invoice ${id}`,
    <>
      <Head
        title={`Invoice ${id}`}
        above={{ href: '/invoices', title: 'Invoices' }}
        asOf={asked.at}
        meta={<StageBadge of={invoice} />}
        sources={['live']}
      />
      {refused && <Trouble problem={refused.problem} />}
      <Facts of={invoice} />
      {may(who, 'money.write') && <Acts c={c} invoice={invoice} refused={refused} />}
      <History of={invoice} />
    </>,
    refused?.status ?? 200,
  )
}

function Facts({ of }: { of: Invoice }) {
  const { seller, buyer, agent, issuedAt, dueAt, net, vat, total, paid, credited, owed, periods } = of
  return (
    <PageSection title={`${seller.name} to ${buyer.name}`} id="facts" note="USD">
      <div class="two">
        <FactList
          of={[
            ['Issued', <Time at={issuedAt} day />],
            ['Due', <Time at={dueAt} day />],
            ['Agent', <a href={`/agents/${agent}`}>{agent}</a>],
            ['Statements', periods.join(', ')],
          ]}
        />
        <dl class="sum">
          <Line name="Net" of={net} />
          <Line name="VAT" of={vat.amount} />
          <Line name="Total" of={total} isSum />
          <Line name="Credited" of={BigInt(credited) * -1n} />
          <Line name="Paid" of={BigInt(paid) * -1n} />
          <Line name="Owed" of={owed} isEnd />
        </dl>
      </div>
    </PageSection>
  )
}

type LineProps = { name: string; of: bigint | string; isSum?: boolean; isEnd?: boolean }

/** A line of a column of figures that adds up. */
function Line({ name, of, isSum = false, isEnd = false }: LineProps) {
  return (
    <div class={isEnd ? 'end' : isSum ? 'all' : undefined}>
      <dt>{name}</dt>
      <dd class="n">
        <Exact of={of} />
      </dd>
    </div>
  )
}

type ActsProps = {
  c: Context<ConsoleEnv>
  invoice: Invoice
  refused: Extract<Acted, { problem: Problem }> | undefined
}

function Acts({ c, invoice, refused }: ActsProps) {
  const { id, owed, paid, buyer, creditedNet, total, credited } = invoice
  const { formToken } = c.get('desk')
  const amount = dollars(BigInt(owed))
  const of = (path: string) => {
    const isThis = refused && c.req.path.endsWith(path)
    return { isThis, at: isThis ? { typed: refused.typed, problem: refused.problem } : {} }
  }
  const [pay, back, credit] = [of('/paid'), of('/returned'), of('/credit')]
  const rest = BigInt(total) - BigInt(credited)
  return (
    <PageSection title="Record" id="acts">
      {BigInt(owed) > 0n && (
        <ActForm
          action={`/invoices/${id}/paid`}
          formToken={formToken}
          title={`Record ${amount} from ${buyer.name}`}
          isMain
        >
          <input type="hidden" name="amount" value={owed} />
          <Field
            name="reference"
            label="The bank’s reference"
            hint="The same reference twice records the transfer once."
            required
            {...pay.at}
          />
        </ActForm>
      )}
      {BigInt(paid) > 0n && (
        <details open={back.isThis}>
          <summary>Take a transfer back…</summary>
          <ActForm
            action={`/invoices/${id}/returned`}
            formToken={formToken}
            title={`Take a transfer of ${buyer.name} back from ${id}`}
          >
            <p>{`${dollars(BigInt(paid))} of ${buyer.name} are recorded on this invoice. It owes the transfer again.`}</p>
            <Field name="reference" label="The bank’s reference" id="back-reference" required {...back.at} />
            <Field name="reason" label="Reason" id="back-reason" required {...back.at} />
          </ActForm>
        </details>
      )}
      {rest > 0n && (
        <details open={credit.isThis}>
          <summary>Issue a credit note…</summary>
          <ActForm
            action={`/invoices/${id}/credit`}
            formToken={formToken}
            title={`Issue a credit note to ${buyer.name}`}
          >
            <p>{`A credit note lowers what ${buyer.name} owes on ${id}: at most ${dollars(rest)} with VAT.`}</p>
            <input type="hidden" name="creditedNet" value={creditedNet} />
            <Field
              name="amount"
              label="Net amount"
              hint="USD with a dollar sign, such as $2.50"
              required
              {...credit.at}
            />
            <Field
              name="reason"
              label="Reason"
              id="credit-reason"
              hint="It is printed on the credit note"
              required
              {...credit.at}
            />
          </ActForm>
        </details>
      )}
      {BigInt(owed) === 0n && rest === 0n && <p class="soft">Nothing is left to record.</p>}
    </PageSection>
  )
}

function History({ of: { history = [] } }: { of: Invoice }) {
  return (
    <PageSection title="History" id="history">
      <Table
        caption="History of the invoice"
        rows={history}
        empty={{ what: 'Nothing has happened to this invoice since it was issued.' }}
        columns={[
          { title: 'Event', cell: ({ kind }) => eventTitle(kind) },
          { title: 'Time', cell: ({ at }) => <Time at={at} /> },
          { title: 'Facts', kind: 'full', cell: ({ document }) => factsIn(document) },
          { title: 'Amount', kind: 'lead', cell: ({ document }) => amountIn(document) },
        ]}
      />
    </PageSection>
  )
}

function eventTitle(kind: string): string {
  const text = entryTitle(kind)
  return text.charAt(0).toUpperCase() + text.slice(1)
}

type Document = Record<string, unknown>

function amountIn({ amount, total }: Document) {
  const value = amount ?? total
  return typeof value === 'string' ? <Money of={value} /> : '—'
}

/** The words of an event that a reader looks for: all that is not an amount, a time or the invoice itself. */
function factsIn(document: Document): string {
  return Object.entries(document)
    .filter(
      ([name, value]) =>
        typeof value === 'string' && !['invoice', 'agent', 'amount', 'total', 'net', 'vat'].includes(name),
    )
    .map(([name, value]) => `${name} ${value}`)
    .join(', ')
}

/** An act on one invoice. The reference, or the amount credited before, makes it happen once, whatever its key. */
function act(path: string, fields: (typed: Typed) => object): PageHandler {
  return async (c) => {
    const id = encodeURIComponent(c.req.param('id') ?? '')
    const acted = await carryOut(c, `/invoices/${id}`, (typed) => ({
      path: `/invoices/${id}${path}`,
      body: fields(typed),
    }))
    return 'answer' in acted ? acted.answer : page(c, acted)
  }
}

/** The pages of invoices. */
export const invoicePages: Routes = [
  { path: '/invoices', get: listPage(LIST) },
  { path: '/invoices/:id', get: one },
  { path: '/invoices/:id/paid', post: act('/payments', ({ amount, reference }) => ({ amount, reference })) },
  {
    path: '/invoices/:id/returned',
    post: act('/returns', ({ reference, reason }) => ({ reference, reason })),
  },
  {
    path: '/invoices/:id/credit',
    post: act('/credit-notes', ({ amount, reason, creditedNet }) => ({ amount, reason, creditedNet })),
  },
]
