/** Alerts: the open ones, recent ones and the webhooks. Mutes one, and tests the webhooks. */
import type { Context } from 'hono'
import type { AlertBody as Alert, AlertsBody } from '../answers.ts'
import { Badge } from '../parts/badges.tsx'
import { Time } from '../parts/figures.tsx'
import { ActForm, typedIn } from '../parts/form.tsx'
import { alertTitle, lookAt, SEVERITIES } from '../parts/needs.tsx'
import { Head, PageSection, Trouble } from '../parts/page.tsx'
import { type Column, Table } from '../parts/table.tsx'
import { type ConsoleEnv, type PageHandler, type Routes, show, trouble } from '../shell.tsx'

const MUTES = [
  ['1', '1 hour'],
  ['24', '1 day'],
  ['168', '7 days'],
  ['720', '30 days'],
] as const

const list: PageHandler = async (c) => {
  const asked = await c.get('desk').ask<AlertsBody>('/alerts')
  if (!asked.ok) return trouble(c, 'Alerts', asked)
  const { alerts, webhooks, lastAt } = asked.value
  const open = alerts.filter(({ resolved }) => resolved === null)
  const recent = alerts.filter(({ resolved }) => resolved !== null)
  return show(
    c,
    'Alerts',
    <>
      <Head title="Alerts" asOf={asked.at} sources={['book']} />
      <PageSection title="Open" id="open" note={<LookedAt at={lastAt} />}>
        <Table
          caption="Open alerts"
          rows={open}
          empty={{
            what: lastAt === null ? 'No data yet. The watch looks every five minutes.' : 'No alert is open.',
          }}
          columns={[
            ...COLUMNS,
            { title: 'Opened', cell: ({ opened }) => <Time at={opened} /> },
            SEVERITY,
            { title: 'Mute', kind: 'full', cell: (alert) => <Mute c={c} alert={alert} now={asked.at} /> },
          ]}
        />
      </PageSection>
      <PageSection title="Recent" id="recent">
        <Table
          caption="Alerts that were resolved lately"
          rows={recent}
          empty={{ what: 'No alert was resolved lately.' }}
          columns={[
            ...COLUMNS,
            { title: 'Opened', cell: ({ opened }) => <Time at={opened} /> },
            { title: 'Resolved', cell: ({ resolved }) => <Time at={resolved} /> },
            SEVERITY,
          ]}
        />
      </PageSection>
      <PageSection title="Webhooks" id="webhooks" note="Set by WEBHOOK_URL at the edge Worker">
        <Table
          caption="Webhooks"
          rows={webhooks}
          empty={{ what: 'No webhook has been sent a message. Set WEBHOOK_URL, then send a test.' }}
          columns={[
            { title: 'Host', cell: ({ host }) => host },
            { title: 'Last accepted', cell: ({ acceptedAt }) => <Time at={acceptedAt} /> },
            {
              title: 'State',
              kind: 'lead',
              cell: (webhook) => <Health of={webhook} />,
            },
          ]}
        />
        <div class="gap">
          <ActForm
            action="/alerts/test"
            formToken={c.get('desk').formToken}
            title="Send a test to every webhook"
          />
        </div>
      </PageSection>
    </>,
  )
}

const SEVERITY: Column<Alert> = {
  title: 'Severity',
  kind: 'lead',
  cell: ({ severity }) => {
    const [mood, word] = SEVERITIES[severity]
    return <Badge mood={mood}>{word}</Badge>
  },
}

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

const COLUMNS: readonly [Column<Alert>, ...Column<Alert>[]] = [
  {
    title: 'Alert',
    cell: ({ kind, link, subject }) => <a href={lookAt(link)[0]}>{`${alertTitle(kind)}: ${subject}`}</a>,
  },
  { title: 'Figure', kind: 'full', cell: ({ figure }) => figure },
]

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
