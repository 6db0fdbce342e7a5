/** Agents and credit: limits, terms and suspensions of crawlers that pay later. */
import type { Context } from 'hono'
import { may } from '../../people/principal.ts'
import { type ActChange, type Acted, carryOut } from '../acting.tsx'
import type { AccountBody as Account, AgentBody as Agent, Problem } from '../answers.ts'
import { rowsAt, sortedHere } from '../list.ts'
import { Badge } from '../parts/badges.tsx'
import { dollars, Money, Time } from '../parts/figures.tsx'
import { ActForm, Field, filled, type Typed } from '../parts/form.tsx'
import { type ListSpec, listPage } from '../parts/list.tsx'
import { FactList, Head, PageSection, Trouble } from '../parts/page.tsx'
import { TabBar } from '../parts/tab-bar.tsx'
import { Nothing } from '../parts/table.tsx'
import { type ConsoleEnv, type PageHandler, type Routes, show, trouble } from '../shell.tsx'

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

const COLUMNS: ListSpec<Agent>['columns'] = [
  {
    title: 'Agent',
    key: 'name',
    sort: 'up',
    value: ({ name }) => name,
    cell: ({ id, name }) => <a href={`/agents/${id}`}>{name}</a>,
  },
  { title: 'Id', key: 'id', isFileOnly: true, value: ({ id }) => id, cell: () => '' },
  {
    title: 'Invoiced',
    key: 'period',
    value: ({ period }) => period,
    cell: ({ period }) => titleIn(PERIODS, period),
  },
  { title: 'Pays by', key: 'rail', value: ({ rail }) => rail, cell: ({ rail }) => titleIn(RAILS, rail) },
  {
    title: 'Since',
    key: 'since',
    sort: 'down',
    value: ({ createdAt }) => new Date(createdAt).toISOString(),
    cell: ({ createdAt }) => <Time at={createdAt} day />,
  },
  {
    title: 'Credit limit',
    key: 'limit',
    sort: 'down',
    kind: 'n',
    value: ({ creditLimit }) => BigInt(creditLimit),
    cell: ({ creditLimit }) => <Money of={creditLimit} />,
  },
  {
    title: 'Status',
    key: 'status',
    kind: 'lead',
    value: ({ suspended }) => (suspended === null ? 'open' : 'suspended'),
    cell: ({ suspended }) => <AgentState suspended={suspended} />,
  },
]

const FILTERS = [
  { name: 'text', label: 'Find', hint: 'Name or id' },
  {
    name: 'status',
    label: 'Status',
    choices: [
      ['open', 'Open'],
      ['suspended', 'Suspended'],
    ],
  },
  { name: 'rail', label: 'Pays by', choices: RAILS },
] as const

const LIST: ListSpec<Agent> = {
  title: 'Agents and credit',
  heading: 'All agents',
  caption: 'Agents with credit',
  sources: ['live'],
  filters: FILTERS,
  sort: 'name',
  read: sortedHere(COLUMNS, FILTERS, rowsAt('/agents', 'agents')),
  empty: { what: 'No agent has credit yet. A crawler asks for it, and you decide its limit.' },
  add: {
    right: 'money.write',
    href: '/agents/new',
    title: 'New agent',
    first: 'Give the first one credit',
  },
  absent: (
    <p>
      Credit is not set up on this deployment. Set REGISTRATION_URL at the edge Worker (docs/credit.md) to let
      agents pay later.
    </p>
  ),
  idOf: ({ id }) => `agent-${id}`,
  columns: COLUMNS,
}

function titleIn(choices: readonly (readonly [string, string])[], value: string): string {
  return choices.find(([known]) => known === value)?.[1] ?? value
}

function AgentState({ suspended }: Pick<Agent, 'suspended'>) {
  return suspended === null ? <Badge mood="good">Open</Badge> : <Badge mood="bad">Suspended</Badge>
}

const create: PageHandler = async (c) => {
  if (c.req.method !== 'POST') return show(c, 'New agent', <NewAgent c={c} typed={{ creditLimit: '$10' }} />)
  const acted = await carryOut(c, '/agents', (typed) => {
    const { country = '', buyer = '' } = typed
    return {
      path: '/agents',
      body: {
        ...filled(typed, 'id', 'name', 'url', 'creditLimit', 'period', 'rail'),
        buyer: { name: buyer, country, ...filled(typed, 'address', 'taxId', 'email') },
      },
    }
  })
  if ('answer' in acted) return acted.answer
  return show(c, 'New agent', <NewAgent c={c} typed={acted.typed} problem={acted.problem} />, 400)
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
          hint="The https URL of its keys, or of its host"
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

const one: PageHandler = async (c) => page(c)

type Refused = Extract<Acted, { problem: Problem }>

async function page(c: Context<ConsoleEnv>, refused?: Refused): Promise<Response> {
  const { ask, who } = c.get('desk')
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
        meta={<AgentState suspended={agent.suspended} />}
        sources={['live']}
      />
      {refused && <Trouble problem={refused.problem} />}
      <PageSection
        title="Credit"
        id="credit"
        note={standing && <a href={`/accounts/${id}`}>Journal</a>}
        isLive
      >
        {standing ? (
          <TabBar
            parts={[
              { name: 'Redeemed', total: BigInt(standing.redeemed), note: 'invoices that were paid' },
              {
                name: 'Charged',
                total: BigInt(standing.charged),
                note: `${dollars(BigInt(standing.owed))} of it owed`,
              },
              {
                name: 'Ceiling',
                total: BigInt(standing.redeemed) + BigInt(standing.limit),
                note: `${dollars(BigInt(standing.available))} can still be spent`,
              },
            ]}
          />
        ) : (
          <Nothing what="No data yet: the agent has not bought anything on credit. Its first purchase opens its tab." />
        )}
      </PageSection>
      <div class="two">
        <Terms of={agent} />
        {may(who, 'money.write') && <Change c={c} agent={agent} refused={refused} />}
      </div>
    </>,
    refused?.status ?? 200,
  )
}

function Terms({ of: agent }: { of: Agent }) {
  return (
    <PageSection title="Terms" id="terms">
      <FactList
        of={[
          ['Id', <code>{agent.id}</code>],
          ['Credit limit', <Money of={agent.creditLimit} />],
          ['Limit until the first payment', <Money of={agent.probation} />],
          ['Invoiced', titleIn(PERIODS, agent.period)],
          ['Pays by', titleIn(RAILS, agent.rail)],
          ['Key directory', agent.url ?? 'Pinned keys'],
          ['Invoices go to', `${agent.buyer.name}, ${agent.buyer.country}`],
          ...(agent.suspended === null ? [] : ([['Suspended for', agent.suspended]] as const)),
        ]}
      />
      <p class="gap">
        <a href={`/invoices?agent=${encodeURIComponent(agent.id)}`}>Its invoices</a>
      </p>
    </PageSection>
  )
}

type ChangeProps = { c: Context<ConsoleEnv>; agent: Agent; refused: Refused | undefined }

function Change({ c, agent, refused }: ChangeProps) {
  const { formToken } = c.get('desk')
  const { id, name, creditLimit, suspended } = agent
  const at = refused ? { typed: refused.typed, problem: refused.problem } : {}
  return (
    <PageSection title="Change" id="change">
      <ActForm action={`/agents/${id}/limit`} formToken={formToken} title={`Change the limit of ${name}`}>
        <Field
          name="creditLimit"
          label="New credit limit"
          hint={`Now ${dollars(BigInt(creditLimit))}. USD with a dollar sign, such as $25`}
          required
          {...at}
        />
      </ActForm>
      {suspended === null ? (
        <ActForm action={`/agents/${id}/suspend`} formToken={formToken} title={`Suspend ${name}`}>
          <Field
            name="reason"
            label="Reason"
            hint="The audit log keeps it. Its next request on credit is refused."
            required
            {...at}
          />
        </ActForm>
      ) : (
        <ActForm action={`/agents/${id}/resume`} formToken={formToken} title={`Resume ${name}`} />
      )}
    </PageSection>
  )
}

/** An act on one agent. */
function act(path: string, change: (typed: Typed) => Omit<ActChange, 'path'>): PageHandler {
  return async (c) => {
    const own = `/agents/${encodeURIComponent(c.req.param('id') ?? '')}`
    const acted = await carryOut(c, own, (typed) => ({ ...change(typed), path: `${own}${path}` }))
    return 'answer' in acted ? acted.answer : page(c, acted)
  }
}

const changed = ({ creditLimit = '' }: Typed) => ({
  method: 'PATCH' as const,
  body: { creditLimit: creditLimit.trim() },
})
const suspended = ({ reason = '' }: Typed) => ({ body: { reason } })

/** The pages of agents. */
export const agentPages: Routes = [
  { path: '/agents', get: listPage(LIST) },
  { path: '/agents/new', right: 'money.write', get: create, post: create },
  { path: '/agents/:id', get: one },
  { path: '/agents/:id/limit', post: act('', changed) },
  { path: '/agents/:id/suspend', post: act('/suspend', suspended) },
  { path: '/agents/:id/resume', post: act('/resume', () => ({})) },
]
