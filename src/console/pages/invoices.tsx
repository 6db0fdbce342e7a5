/** Invoices: what each says, and the acts on it: a transfer received or returned, and a credit note. */
import type { Context } from 'hono'
import type { InvoiceBody as Invoice, Paged } from '../answers.ts'
import { Badge, type Mood } from '../parts/badges.tsx'
import { dollars, Exact, Money, Time } from '../parts/figures.tsx'
import { ActForm, Field, type Typed, typedIn } from '../parts/form.tsx'
import { FactList, Head, PageSection, Trouble } from '../parts/page.tsx'
import { More, Table } from '../parts/table.tsx'
import { type ConsoleEnv, type PageHandler, type Routes, show, trouble, urlOf } from '../shell.tsx'

const STAGES: Readonly<Record<string, readonly [Mood, string]>> = {
  open: ['plain', 'Open'],
  due: ['warn', 'Due'],
  past_due: ['bad', 'Past due'],
  suspended: ['bad', 'Suspended'],
  written_off: ['bad', 'Written off'],
  settled: ['good', 'Settled'],
}

const list: PageHandler = async (c) => {
  const url = urlOf(c)
  const query = new URLSearchParams(url.searchParams)
  const before = query.get('after')
  query.delete('after')
  if (before) query.set('before', before)
  if (!query.get('stage')) query.delete('stage')
  const asked = await c.get('desk').ask<Paged<'invoices', Invoice, number>>(`/invoices?${query}`)
  if (!asked.ok) return trouble(c, 'Invoices', asked)
  const { invoices, next } = asked.value
  const stage = url.searchParams.get('stage') ?? ''
  return show(
    c,
    'Invoices',
    <>
      <Head title="Invoices" asOf={asked.at} sources={['book']}>
        <form method="get" action="/invoices" class="row">
          <label for="stage">Stage</label>
          <select name="stage" id="stage">
            <option value="">All</option>
            {Object.entries(STAGES).map(([value, [, title]]) => (
              <option value={value} selected={value === stage}>
                {title}
              </option>
            ))}
          </select>
          <button class="btn" type="submit">
            Filter
          </button>
        </form>
      </Head>
      <PageSection
        title={stage ? `Invoices: ${STAGES[stage]?.[1] ?? stage}` : 'All invoices'}
        id="all"
        note="USD"
      >
        <Table
          caption="Invoices, the latest first"
          rows={invoices}
          empty={{
            what: stage
              ? 'No invoice is at this stage.'
              : 'No invoice yet. A billing run writes them when a period ends.',
          }}
          columns={[
            { title: 'Invoice', cell: ({ id }) => <a href={`/invoices/${id}`}>{id}</a> },
            { title: 'To', cell: ({ agent, buyer }) => <a href={`/agents/${agent}`}>{buyer.name}</a> },
            { title: 'Stage', cell: (invoice) => <StageBadge of={invoice} /> },
            { title: 'Due', cell: ({ dueAt }) => <Time at={dueAt} day /> },
            { title: 'Total', kind: 'n', cell: ({ total }) => <Exact of={total} /> },
            { title: 'Paid', kind: 'n', cell: ({ paid }) => <Exact of={paid} /> },
            { title: 'Owed', kind: 'lead', cell: ({ owed }) => <Exact of={owed} /> },
          ]}
        />
        <More url={url} next={next} />
      </PageSection>
    </>,
  )
}

/** The stage of an invoice. */
export function StageBadge({ of: { stage } }: { of: Pick<Invoice, 'stage'> }) {
  const [mood, text] = STAGES[stage] ?? (['plain', stage] as const)
  return <Badge mood={mood}>{text}</Badge>
}

const one: PageHandler = async (c) => {
  const { ask } = c.get('desk')
  const id = c.req.param('id') ?? ''
  const asked = await ask<Invoice>(`/invoices/${encodeURIComponent(id)}`)
  if (!asked.ok) return trouble(c, 'Invoice', asked)
  return show(c, `Invoice ${id}`, <One c={c} invoice={asked.value} at={asked.at} />)
}

function One({ c, invoice, at }: { c: Context<ConsoleEnv>; invoice: Invoice; at: number }) {
  const { id, seller, buyer, issuedAt, dueAt, net, vat, total, paid, credited, owed } = invoice
  return (
    <>
      <Head
        title={`Invoice ${id}`}
        above={{ href: '/invoices', title: 'Invoices' }}
        asOf={at}
        sources={['live']}
      />
      <PageSection title={`${seller.name} to ${buyer.name}`} id="facts">
        <FactList
          of={[
            ['Stage', <StageBadge of={invoice} />],
            ['Issued', <Time at={issuedAt} day />],
            ['Due', <Time at={dueAt} day />],
            ['Net', <Money of={net} />],
            ['VAT', <Money of={vat.amount} />],
            ['Total', <Money of={total} />],
            ['Credited', <Money of={credited} />],
            ['Paid', <Money of={paid} />],
            ['Owed', <Money of={owed} />],
            ['Statements', invoice.periods.join(', ')],
          ]}
        />
      </PageSection>
      <Acts c={c} invoice={invoice} />
      <PageSection title="History" id="history">
        <Table
          caption="History of the invoice"
          rows={invoice.history ?? []}
          empty={{ what: 'Nothing has happened to this invoice since it was issued.' }}
          columns={[
            { title: 'Event', cell: ({ kind }) => kind.replace('_', ' ') },
            { title: 'Time', cell: ({ at }) => <Time at={at} /> },
            {
              title: 'Document',
              kind: 'full',
              cell: ({ document }) => <code>{JSON.stringify(document)}</code>,
            },
          ]}
        />
      </PageSection>
    </>
  )
}

function Acts({ c, invoice }: { c: Context<ConsoleEnv>; invoice: Invoice }) {
  const { id, owed, buyer, creditedNet } = invoice
  const { formToken } = c.get('desk')
  const amount = dollars(BigInt(owed))
  return (
    <PageSection title="Acts" id="acts">
      {BigInt(owed) > 0n && (
        <ActForm
          action={`/invoices/${id}/paid`}
          formToken={formToken}
          title={`Record ${amount} from ${buyer.name}`}
        >
          <input type="hidden" name="amount" value={owed} />
          <Field
            name="reference"
            label="The bank’s reference"
            hint="The same reference twice records the transfer once."
            required
          />
        </ActForm>
      )}
      <details>
        <summary>Take a transfer back…</summary>
        <ActForm
          action={`/invoices/${id}/returned`}
          formToken={formToken}
          title={`Take a transfer of ${buyer.name} back`}
        >
          <Field name="reference" label="The bank’s reference" required />
          <Field name="reason" label="Reason" required />
        </ActForm>
      </details>
      <details>
        <summary>Issue a credit note…</summary>
        <ActForm action={`/invoices/${id}/credit`} formToken={formToken} title={`Credit ${buyer.name}`}>
          <input type="hidden" name="creditedNet" value={creditedNet} />
          <Field name="amount" label="Net amount" hint="USD with a dollar sign, such as $2.50" required />
          <Field name="reason" label="Reason" hint="It is printed on the credit note" required />
        </ActForm>
      </details>
    </PageSection>
  )
}

/** An act on one invoice. It may be sent twice: the reference, or the amount credited before, makes it happen once. */
function act(path: string, fields: (typed: Typed) => object): PageHandler {
  return async (c) => {
    const id = c.req.param('id') ?? ''
    const body = JSON.stringify(fields(typedIn(await c.req.parseBody())))
    const asked = await c
      .get('desk')
      .ask<Invoice>(`/invoices/${encodeURIComponent(id)}${path}`, { method: 'POST', body })
    if (asked.ok) return c.redirect(`/invoices/${encodeURIComponent(id)}#history`, 303)
    return show(
      c,
      `Invoice ${id}`,
      <>
        <Head
          title={`Invoice ${id}`}
          above={{ href: `/invoices/${encodeURIComponent(id)}`, title: 'The invoice' }}
        />
        <Trouble problem={asked.problem} />
      </>,
      asked.status === 503 ? 503 : 400,
    )
  }
}

/** The pages of invoices. */
export const invoicePages: Routes = [
  { path: '/invoices', get: list },
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
