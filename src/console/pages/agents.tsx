/** Agents and credit: limits, terms and suspensions of crawlers that pay later. */
import type { Context } from 'hono'
import type { AccountBody as Account, AgentBody as Agent, Paged, Problem } from '../answers.ts'
import { Badge } from '../parts/badges.tsx'
import { Money, Time } from '../parts/figures.tsx'
import { ActForm, Field, filled, type Typed, typedIn } from '../parts/form.tsx'
import { FactList, Head, PageSection, Trouble } from '../parts/page.tsx'
import { More, Table } from '../parts/table.tsx'
import { type ConsoleEnv, type PageHandler, type Routes, show, trouble, urlOf } from '../shell.tsx'

const PERIODS = [
  ['monthly', 'Monthly'],
  ['weekly', 'Weekly'],
  ['daily', 'Daily'],
] as const
const RAILS = [
  ['transfer', 'Bank transfer'],
  ['stablecoin', 'USDC'],
  ['stripe', 'Card or bank, at Stripe'],
] as const

const list: PageHandler = async (c) => {
  const url = urlOf(c)
  const asked = await c.get('desk').ask<Paged<'agents', Agent>>(`/agents${url.search}`)
  if (!asked.ok)
    return show(
      c,
      'Agents and credit',
      asked.status === 404 ? <NoCredit /> : <Trouble problem={asked.problem} />,
    )
  const { agents, next } = asked.value
  return show(
    c,
    'Agents and credit',
    <>
      <Head title="Agents and credit" asOf={asked.at} sources={['live']}>
        <a class="btn go" href="/agents/new">
          New agent
        </a>
      </Head>
      <PageSection title="All agents" id="all">
        <Table
          caption="Agents by id"
          rows={agents}
          empty={{
            what: 'No agent has credit yet. A crawler asks for it, and you decide its limit.',
            next: <a href="/agents/new">Give the first one credit</a>,
          }}
          columns={[
            { title: 'Agent', cell: ({ id, name }) => <a href={`/agents/${id}`}>{name}</a> },
            { title: 'Credit limit', kind: 'n', cell: ({ creditLimit }) => <Money of={creditLimit} /> },
            { title: 'Invoiced', cell: ({ period }) => period },
            { title: 'Pays by', cell: ({ rail }) => rail },
            { title: 'Since', cell: ({ createdAt }) => <Time at={createdAt} day /> },
            { title: 'Status', kind: 'lead', cell: ({ suspended }) => <AgentState suspended={suspended} /> },
          ]}
        />
        <More url={url} next={next} />
      </PageSection>
    </>,
  )
}

function NoCredit() {
  return (
    <>
      <Head title="Agents and credit" />
      <p class="gap">
        Credit is not set up on this deployment. Set REGISTRATION_URL at the edge Worker (docs/credit.md) to
        let agents pay later.
      </p>
    </>
  )
}

function AgentState({ suspended }: Pick<Agent, 'suspended'>) {
  return suspended === null ? <Badge mood="good">Open</Badge> : <Badge mood="bad">Suspended</Badge>
}

const create: PageHandler = async (c) => {
  if (c.req.method !== 'POST') return show(c, 'New agent', <NewAgent c={c} typed={{ creditLimit: '$10' }} />)
  const typed = typedIn(await c.req.parseBody())
  const { country = '', buyer = '' } = typed
  const body = {
    ...filled(typed, 'id', 'name', 'url', 'creditLimit', 'period', 'rail'),
    buyer: { name: buyer, country, ...filled(typed, 'address', 'taxId', 'email') },
  }
  const order = { method: 'POST', body: JSON.stringify(body) } as const
  const asked = await c.get('desk').ask<Agent>('/agents', order)
  if (asked.ok) return c.redirect(`/agents/${asked.value.id}`, 303)
  return show(c, 'New agent', <NewAgent c={c} typed={typed} problem={asked.problem} />, 400)
}

function NewAgent({ c, typed, problem }: { c: Context<ConsoleEnv>; typed: Typed; problem?: Problem }) {
  const at = { typed, problem }
  return (
    <>
      <Head title="New agent" above={{ href: '/agents', title: 'Agents and credit' }} />
      {problem && <Trouble problem={problem} />}
      <ActForm action="/agents/new" formToken={c.get('desk').formToken} title="Give this agent credit" isMain>
        <Field name="name" label="Name" required {...at} />
        <Field
          name="url"
          label="Key directory"
          hint="The https URL of the agent’s keys, or of its host. Its signatures are checked against it."
          required
          {...at}
        />
        <Field name="id" label="Id" hint="Letters, digits and dashes. Made for you if it is empty." {...at} />
        <Field
          name="creditLimit"
          label="Credit limit"
          hint="USD with a dollar sign, such as $10"
          required
          {...at}
        />
        <Field name="period" label="Invoiced" choices={PERIODS} {...at} />
        <Field name="rail" label="Pays by" choices={RAILS} {...at} />
        <Field name="buyer" label="Recipient of the invoice" at="buyer.name" required {...at} />
        <Field
          name="country"
          label="Country"
          at="buyer.country"
          hint="Two letters, such as US"
          required
          {...at}
        />
        <Field name="address" label="Address" at="buyer.address" {...at} />
        <Field name="taxId" label="Tax id" at="buyer.taxId" {...at} />
        <Field name="email" label="E-mail" at="buyer.email" type="email" {...at} />
      </ActForm>
    </>
  )
}

const one: PageHandler = async (c) => {
  const { ask, formToken } = c.get('desk')
  const id = encodeURIComponent(c.req.param('id') ?? '')
  const [asked, line] = await Promise.all([
    ask<Agent>(`/agents/${id}`),
    ask<Account>(`/accounts/${id}?limit=1`),
  ])
  if (!asked.ok) return trouble(c, 'Agent', asked)
  const agent = asked.value
  const standing = line.ok && 'name' in line.value ? line.value.standing : null
  return show(
    c,
    agent.name,
    <>
      <Head
        title={agent.name}
        above={{ href: '/agents', title: 'Agents and credit' }}
        asOf={asked.at}
        sources={['live']}
      />
      <PageSection title="Credit" id="credit" note={<a href={`/accounts/${id}`}>Journal</a>}>
        {standing ? (
          <FactList
            of={[
              ['Owed', <Money of={standing.owed} />],
              ['Can still spend', <Money of={standing.available} />],
              ['Credit limit', <Money of={standing.limit} />],
            ]}
          />
        ) : (
          <p>The agent has not bought anything on credit yet.</p>
        )}
      </PageSection>
      <PageSection title="Terms" id="terms">
        <FactList
          of={[
            ['Id', <code>{agent.id}</code>],
            ['Status', <AgentState suspended={agent.suspended} />],
            ['Credit limit', <Money of={agent.creditLimit} />],
            ['Limit until the first payment', <Money of={agent.probation} />],
            ['Invoiced', agent.period],
            ['Pays by', agent.rail],
            ['Key directory', agent.url ?? 'Pinned keys'],
            ['Invoices go to', `${agent.buyer.name}, ${agent.buyer.country}`],
          ]}
        />
      </PageSection>
      <PageSection title="Change" id="change">
        <ActForm
          action={`/agents/${id}/limit`}
          formToken={formToken}
          title={`Change the limit of ${agent.name}`}
        >
          <Field
            name="creditLimit"
            label="New credit limit"
            hint="USD with a dollar sign, such as $25"
            required
          />
        </ActForm>
        {agent.suspended === null ? (
          <ActForm action={`/agents/${id}/suspend`} formToken={formToken} title={`Suspend ${agent.name}`}>
            <Field name="reason" label="Reason" hint="The audit log keeps it" required />
          </ActForm>
        ) : (
          <ActForm action={`/agents/${id}/resume`} formToken={formToken} title={`Resume ${agent.name}`} />
        )}
      </PageSection>
    </>,
  )
}

/** An act on one agent: it is sent, and the agent's page shows the result. */
function act(
  path: string,
  order: (typed: Typed) => { method: 'POST' | 'PATCH'; body?: string },
): PageHandler {
  return async (c) => {
    const id = encodeURIComponent(c.req.param('id') ?? '')
    const asked = await c
      .get('desk')
      .ask<Agent>(`/agents/${id}${path}`, order(typedIn(await c.req.parseBody())))
    if (asked.ok) return c.redirect(`/agents/${id}`, 303)
    const back = { href: `/agents/${id}`, title: 'Agent' }
    return show(
      c,
      'Agent',
      <>
        <Head title="Agent" above={back} />
        <Trouble problem={asked.problem} />
      </>,
      asked.status === 503 ? 503 : 400,
    )
  }
}

const changed = ({ creditLimit = '' }: Typed) => ({
  method: 'PATCH' as const,
  body: JSON.stringify({ creditLimit: creditLimit.trim() }),
})
const suspended = ({ reason = '' }: Typed) => ({ method: 'POST' as const, body: JSON.stringify({ reason }) })

/** The pages of agents. */
export const agentPages: Routes = [
  { path: '/agents', get: list },
  { path: '/agents/new', get: create, post: create },
  { path: '/agents/:id', get: one },
  { path: '/agents/:id/limit', post: act('', changed) },
  { path: '/agents/:id/suspend', post: act('/suspend', suspended) },
  { path: '/agents/:id/resume', post: act('/resume', () => ({ method: 'POST' })) },
]
