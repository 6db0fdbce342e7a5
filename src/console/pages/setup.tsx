/** Set up: what a deployment needs, whether it has it, and the command that mends what is missing. */
import type { Child } from 'hono/jsx'
import type {
  AlertsBody,
  FiguresBody,
  Paged,
  RelayerBody as Relayer,
  RunBody as Run,
  SiteSummaryBody as SiteSummary,
} from '../answers.ts'
import type { Reply } from '../edge.ts'
import { DAY } from '../figures.ts'
import { Badge, type Mood } from '../parts/badges.tsx'
import { Time } from '../parts/figures.tsx'
import { Head, PageSection } from '../parts/page.tsx'
import { type PageHandler, type Routes, show } from '../shell.tsx'

/** One thing that was checked. `command` mends it. */
type Check = { outcome: 'ok' | 'warn' | 'fail'; title: string; text: Child; command?: string }

const OUTCOMES: Readonly<Record<Check['outcome'], readonly [Mood, string]>> = {
  ok: ['good', 'OK'],
  warn: ['warn', 'To do'],
  fail: ['bad', 'Failing'],
}

const setup: PageHandler = async (c) => {
  const { ask } = c.get('desk')
  const now = Date.now()
  const [runs, alerts, relayer, sites, figures] = await Promise.all([
    ask<{ runs: Run[] }>('/runs?limit=100'),
    ask<AlertsBody>('/alerts'),
    ask<Relayer>('/relayer'),
    ask<Paged<'sites', SiteSummary>>('/sites?limit=500'),
    ask<FiguresBody>('/figures?interval=day&limit=1'),
  ])
  const checks = [
    checkBook(runs),
    checkSettings(alerts),
    checkRelayer(relayer, alerts),
    checkWatch(alerts, now),
    checkNights(runs, now),
    checkSites(sites),
    checkWebhooks(alerts),
    checkPayment(figures),
  ]
  const done = checks.filter(({ outcome }) => outcome === 'ok').length
  return show(
    c,
    'Set up',
    <>
      <Head title="Set up" asOf={now} sources={['live', 'book']} />
      <PageSection title="Checks" id="checks" note={`${done} of ${checks.length} are OK`}>
        <ul>
          {checks.map((check) => (
            <Row {...check} />
          ))}
        </ul>
      </PageSection>
    </>,
  )
}

function Row({ outcome, title, text, command }: Check) {
  const [mood, word] = OUTCOMES[outcome]
  return (
    <li class="check">
      <Badge mood={mood}>{word}</Badge>
      <div>
        <h3>{title}</h3>
        <p class="soft">{text}</p>
        {command && <pre class="code">{command}</pre>}
      </div>
    </li>
  )
}

function checkBook(runs: Reply<{ runs: Run[] }>): Check {
  const title = 'The book answers'
  if (runs.ok) return { outcome: 'ok', title, text: 'The edge Worker reads its D1 database.' }
  const command = 'npx wrangler d1 migrations apply tab402 --remote'
  return { outcome: 'fail', title, text: runs.problem.detail, command }
}

/** The open alerts of some kinds; undefined where alerts cannot be read. */
function openOf(alerts: Reply<AlertsBody>, ...kinds: string[]) {
  if (!alerts.ok) return undefined
  return alerts.value.alerts.filter(({ kind, resolved }) => resolved === null && kinds.includes(kind))
}

function checkSettings(alerts: Reply<AlertsBody>): Check {
  const title = 'The settings are valid'
  const found = openOf(alerts, 'misconfigured', 'setting')
  if (!found) return { outcome: 'warn', title, text: 'Alerts cannot be read now.' }
  const [first] = found
  if (!first) return { outcome: 'ok', title, text: 'No setting has a fault.' }
  return {
    outcome: found.some(({ kind }) => kind === 'misconfigured') ? 'fail' : 'warn',
    title,
    text: found.map(({ subject, figure }) => `${subject}: ${figure}`).join('; '),
    command: 'npx tab402 check-config wrangler.toml',
  }
}

function checkRelayer(relayer: Reply<Relayer>, alerts: Reply<AlertsBody>): Check {
  const title = 'The relayer can claim'
  if (!relayer.ok) {
    const text = 'No relayer answers. It claims what channels owe, and needs a node, a key and gas money.'
    return {
      outcome: 'warn',
      title,
      text,
      command: 'npx wrangler secret put RPC_URL\nnpx wrangler secret put RELAYER_KEY',
    }
  }
  const { address, network, mined } = relayer.value
  const [low] = openOf(alerts, 'gas_low') ?? []
  const named = (
    <>
      <code>{address}</code> on <code>{network}</code>
    </>
  )
  if (mined === null) return { outcome: 'fail', title, text: <>{named}: its node does not answer.</> }
  if (!low) return { outcome: 'ok', title, text: named }
  return {
    outcome: low.severity === 'critical' ? 'fail' : 'warn',
    title,
    text: (
      <>
        {named}: {low.figure}. Send the network’s native token to this address.
      </>
    ),
  }
}

const CRONS = 'npx wrangler deploy'

function checkWatch(alerts: Reply<AlertsBody>, now: number): Check {
  const title = 'The watch runs every five minutes'
  const lastAt = alerts.ok ? alerts.value.lastAt : null
  if (lastAt === null)
    return {
      outcome: 'warn',
      title,
      text: 'It has not looked for alerts yet. Wait five minutes after a deployment.',
    }
  const text = (
    <>
      It last looked on <Time at={lastAt} />.
    </>
  )
  const isLate = now - lastAt > DAY / 96
  return isLate ? { outcome: 'fail', title, text, command: CRONS } : { outcome: 'ok', title, text }
}

function checkNights(runs: Reply<{ runs: Run[] }>, now: number): Check {
  const title = 'The nightly run settles'
  const last = runs.ok ? runs.value.runs.find(({ kind }) => kind === 'settlement') : undefined
  if (!last)
    return { outcome: 'warn', title, text: 'No run has begun yet. The first one begins at 00:00 UTC.' }
  const text = (
    <>
      <a href={`/runs/${last.id}`}>The last one</a> began on <Time at={last.startedAt} />
      {` and is ${last.status.replace('_', ' ')}.`}
    </>
  )
  if (now - last.startedAt > (26 / 24) * DAY) return { outcome: 'fail', title, text, command: CRONS }
  return { outcome: last.status === 'failed' || last.status === 'abandoned' ? 'fail' : 'ok', title, text }
}

function checkSites(sites: Reply<Paged<'sites', SiteSummary>>): Check {
  const title = 'A site is live'
  if (!sites.ok)
    return sites.status === 404
      ? { outcome: 'ok', title, text: 'The vars of the edge Worker are the only site.' }
      : { outcome: 'fail', title, text: sites.problem.detail }
  const live = sites.value.sites.filter(({ mode, version }) => mode === 'live' && version > 0).length
  if (live > 0)
    return { outcome: 'ok', title, text: `${live} of ${sites.value.sites.length} sites are live.` }
  const text = (
    <>
      No site is live. <a href="/sites/new">Add one</a>, or publish one that is a draft.
    </>
  )
  return { outcome: 'warn', title, text }
}

function checkWebhooks(alerts: Reply<AlertsBody>): Check {
  const title = 'Alerts reach you'
  const webhooks = alerts.ok ? alerts.value.webhooks : []
  const failing = webhooks.filter(({ failingSince }) => failingSince !== null)
  const command = 'npx wrangler secret put WEBHOOK_URL'
  if (failing.length > 0)
    return {
      outcome: 'fail',
      title,
      text: `${failing.map(({ host }) => host).join(', ')} accepts nothing.`,
      command,
    }
  if (webhooks.length > 0) return { outcome: 'ok', title, text: webhooks.map(({ host }) => host).join(', ') }
  const text = (
    <>
      No webhook has accepted a message yet. Set one, then <a href="/alerts#webhooks">send a test</a>.
    </>
  )
  return { outcome: 'warn', title, text, command }
}

function checkPayment(figures: Reply<FiguresBody>): Check {
  const title = 'A crawler has paid'
  const asOf = figures.ok ? figures.value.sources.book?.asOf : null
  if (asOf)
    return {
      outcome: 'ok',
      title,
      text: (
        <>
          Money was last reported on <Time at={asOf} />.
        </>
      ),
    }
  const text = 'No data yet. Buy one of your own pages, with a wallet that has a little USDC.'
  return { outcome: 'warn', title, text, command: 'npx tab402 pay https://your-site.example/a-page' }
}

/** The page of the first run. */
export const setupPages: Routes = [{ path: '/setup', get: setup }]
