/** Alerts: the open ones, recent ones and the webhooks. Mutes one, and tests the webhooks. */
import type { Context } from 'hono'
import { may } from '../../people/principal.ts'
import type { AlertBody as Alert, AlertsBody } from '../answers.ts'
import { type ReadRows, sortedHere } from '../list.ts'
import { Badge } from '../parts/badges.tsx'
import { Time } from '../parts/figures.tsx'
import { ActForm, typedIn } from '../parts/form.tsx'
import { type ListSpec, listPage } from '../parts/list.tsx'
import { alertTitle, lookAt, SEVERITIES } from '../parts/needs.tsx'
import { Head, PageSection, Trouble } from '../parts/page.tsx'
import { Table } from '../parts/table.tsx'
import { type ConsoleEnv, type PageHandler, type Routes, show, trouble } from '../shell.tsx'

const MUTES = [
  ['1', '1 hour'],
  ['24', '1 day'],
  ['168', '7 days'],
  ['720', '30 days'],
] as const

const FILTERS = [
  {
    name: 'state',
    label: 'State',
    choices: [
      ['open', 'Open'],
      ['resolved', 'Resolved'],
    ],
  },
  {
    name: 'severity',
    label: 'Severity',
    choices: Object.entries(SEVERITIES).map(([name, [, word]]) => [name, word] as const),
  },
  { name: 'text', label: 'Find', hint: 'Subject or figure' },
] as const

const iso = (at: number | null) => (at === null ? null : new Date(at).toISOString())

function columnsFor(c: Context<ConsoleEnv>, now: number): ListSpec<Alert>['columns'] {
  const mayMute = may(c.get('desk').who, 'runs.write')
  return [
    {
      title: 'Alert',
      key: 'kind',
      sort: 'up',
      value: ({ kind }) => kind,
      cell: ({ kind, link, subject }) => <a href={lookAt(link)[0]}>{`${alertTitle(kind)}: ${subject}`}</a>,
    },
    { title: 'Subject', key: 'subject', isFileOnly: true, value: ({ subject }) => subject, cell: () => '' },
    {
      title: 'Figure',
      key: 'figure',
      kind: 'full',
      value: ({ figure }) => figure,
      cell: ({ figure }) => figure,
    },
    {
      title: 'Opened',
      key: 'opened',
      sort: 'down',
      value: ({ opened }) => iso(opened),
      cell: ({ opened }) => <Time at={opened} />,
    },
    {
      title: 'Resolved',
      key: 'resolved',
      sort: 'down',
      value: ({ resolved }) => iso(resolved),
      cell: ({ resolved }) => <Time at={resolved} />,
    },
    {
      title: 'State',
      key: 'state',
      sort: 'up',
      isFileOnly: true,
      value: ({ resolved }) => (resolved === null ? 'open' : 'resolved'),
      cell: () => '',
    },
    {
      title: 'Severity',
      key: 'severity',
      sort: 'up',
      kind: 'lead',
      value: ({ severity }) => severity,
      cell: ({ severity }) => {
        const [mood, word] = SEVERITIES[severity]
        return <Badge mood={mood}>{word}</Badge>
      },
    },
    {
      title: 'Mute',
      kind: 'full',
      isHidden: true,
      cell: (alert) => mayMute && alert.resolved === null && <Mute c={c} alert={alert} now={now} />,
    },
  ]
}

const list: PageHandler = async (c) => {
  const { ask, formToken, who } = c.get('desk')
  const asked = await ask<AlertsBody>('/alerts')
  if (!asked.ok) return trouble(c, 'Alerts', asked)
  const { alerts, webhooks, lastAt } = asked.value
  const columns = columnsFor(c, asked.at)
  const all: ReadRows<Alert> = async () => ({ ...asked, value: { rows: alerts, next: null } })
  const spec = { ...LIST, columns, read: sortedHere(columns, FILTERS, all) }
  const none =
    lastAt === null
      ? 'No data yet. The watch looks every five minutes.'
      : 'No alert is open, and none was resolved lately.'
  return listPage<Alert>({
    ...spec,
    empty: { what: none },
    note: <LookedAt at={lastAt} />,
    below: (
      <PageSection title="Webhooks" id="webhooks" note="Set by WEBHOOK_URL at the edge Worker">
        <Table
          caption="Webhooks"
          rows={webhooks}
          empty={{ what: 'No webhook has been sent a message. Set WEBHOOK_URL, then send a test.' }}
          columns={[
            { title: 'Host', cell: ({ host }) => host },
            { title: 'Last accepted', cell: ({ acceptedAt }) => <Time at={acceptedAt} /> },
            { title: 'State', kind: 'lead', cell: (webhook) => <Health of={webhook} /> },
          ]}
        />
        {may(who, 'runs.write') && (
          <div class="gap">
            <ActForm action="/alerts/test" formToken={formToken} title="Send a test to every webhook" />
          </div>
        )}
      </PageSection>
    ),
  })(c)
}

const LIST = {
  title: 'Alerts',
  heading: 'Open and recent',
  caption: 'Alerts',
  sources: ['book'],
  filters: FILTERS,
  sort: 'state',
  idOf: ({ id }) => `alert-${id.replace(/[^\w-]/g, '-')}`,
} as const satisfies Partial<ListSpec<Alert>>

function Health({ of: { acceptedAt, failingSince } }: { of: AlertsBody['webhooks'][number] }) {
  if (failingSince !== null) return <Badge mood="bad">Failing</Badge>
  return acceptedAt === null ? <Badge>Nothing sent yet</Badge> : <Badge mood="good">OK</Badge>
}

function LookedAt({ at }: { at: number | null }) {
  return at === null ? (
    'Not looked for yet'
  ) : (
    <>
      Last looked for: <Time at={at} />
    </>
  )
}

function Mute({ c, alert, now }: { c: Context<ConsoleEnv>; alert: Alert; now: number }) {
  const { id, mutedUntil, subject } = alert
  const isMuted = mutedUntil !== null && mutedUntil > now
  return (
    <form class="row" method="post" action={`/alerts/${encodeURIComponent(id)}/mute`}>
      <input type="hidden" name="form" value={c.get('desk').formToken} />
      {isMuted ? (
        <>
          <input type="hidden" name="hours" value="0" />
          <span>
            until <Time at={mutedUntil} />
          </span>
          <button class="btn sm" type="submit">
            End the mute
          </button>
        </>
      ) : (
        <>
          <select name="hours" aria-label={`How long to mute the alert about ${subject}`} class="sm">
            {MUTES.map(([hours, title]) => (
              <option value={hours}>{title}</option>
            ))}
          </select>
          <button class="btn sm" type="submit">
            Mute
          </button>
        </>
      )}
    </form>
  )
}

const mute: PageHandler = async (c) => {
  const { hours = '' } = typedIn(await c.req.parseBody())
  const path = `/alerts/${encodeURIComponent(c.req.param('id') ?? '')}/mute`
  const body = JSON.stringify({ hours: Number(hours) })
  const asked = await c.get('desk').ask(path, { method: 'POST', body })
  if (asked.ok) return c.redirect('/alerts', 303)
  return show(c, 'Alerts', <Refused problem={asked.problem} />, asked.status === 503 ? 503 : 400)
}

function Refused({ problem }: Parameters<typeof Trouble>[0]) {
  return (
    <>
      <Head title="Alerts" above={{ href: '/alerts', title: 'Alerts' }} />
      <Trouble problem={problem} />
    </>
  )
}

type Tested = { webhooks: { host: string; isAccepted: boolean }[] }

const test: PageHandler = async (c) => {
  const asked = await c.get('desk').ask<Tested>('/alerts/test', { method: 'POST' })
  if (!asked.ok) return show(c, 'Alerts', <Refused problem={asked.problem} />, 503)
  return show(
    c,
    'Test of the webhooks',
    <>
      <Head title="Test of the webhooks" above={{ href: '/alerts', title: 'Alerts' }} asOf={asked.at} />
      <PageSection title="Answers" id="answers">
        <Table
          caption="Answers of the webhooks"
          rows={asked.value.webhooks}
          empty={{
            what: 'No webhook is set, so no test was sent. Set WEBHOOK_URL at the edge Worker (docs/alerts.md).',
          }}
          columns={[
            { title: 'Host', cell: ({ host }) => host },
            {
              title: 'Answer',
              kind: 'lead',
              cell: ({ isAccepted }) =>
                isAccepted ? <Badge mood="good">Accepted</Badge> : <Badge mood="bad">Not accepted</Badge>,
            },
          ]}
        />
      </PageSection>
    </>,
  )
}

/** The pages of alerts. */
export const alertPages: Routes = [
  { path: '/alerts', get: list },
  { path: '/alerts/test', post: test },
  { path: '/alerts/:id/mute', post: mute },
]
