/** The list of what needs the operator, the worst first: alerts, or needs found in the read model until the watch has looked for alerts. */
import type { AlertBody, InvoiceBody, ListedBody, RunBody } from '../answers.ts'
import { Badge, type Mood } from './badges.tsx'

/** One thing that needs the operator. `href` and `act`: where the button leads, and what it says. */
export type ConsoleNeed = { mood: Mood; word: string; title: string; text: string; href: string; act: string }

/** The list. */
export function NeedList({ of }: { of: readonly ConsoleNeed[] }) {
  return (
    <ul class="needs">
      {of.map(({ mood, word, title, text, href, act }) => (
        <li>
          <Badge mood={mood}>{word}</Badge>
          <div>
            <h3>{title}</h3>
            <p>{text}</p>
          </div>
          <a class="btn" href={href}>
            {act}
          </a>
        </li>
      ))}
    </ul>
  )
}

/** The severities of alerts, the worst first. */
export const SEVERITIES: Readonly<Record<AlertBody['severity'], readonly [Mood, string]>> = {
  critical: ['bad', 'Critical'],
  warning: ['warn', 'Warning'],
  info: ['plain', 'Notice'],
}

const ORDER = Object.keys(SEVERITIES)

/** `Run failed` of `run_failed`. */
export function alertTitle(kind: string): string {
  const text = kind.replace(/_/g, ' ')
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** The open alerts that are not muted at `now` (Unix milliseconds). */
export function needsOfAlerts(alerts: readonly AlertBody[], now: number): ConsoleNeed[] {
  return alerts
    .filter(({ resolved, mutedUntil }) => resolved === null && (mutedUntil ?? 0) <= now)
    .sort((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity) || a.opened - b.opened)
    .map(({ kind, severity, subject, figure, link }) => {
      const [mood, word] = SEVERITIES[severity]
      const [href, act] = lookAt(link)
      return { mood, word, title: `${alertTitle(kind)}: ${subject}`, text: figure, href, act }
    })
}

/** The page of the console that shows what an alert's link shows, and the words of the button. */
export function lookAt(link: string): readonly [href: string, act: string] {
  const url = URL.parse(link, 'https://edge.invalid')
  const path = url?.pathname.replace(/^\/_tab402\/api/, '') ?? ''
  const site = url?.searchParams.get('site')
  if (path === '/figures' && site) return [`/sites/${encodeURIComponent(site)}`, 'Open site']
  const [, name = ''] = path.split('/')
  const act = ACTS[name]
  if (!act) return name === 'relayer' ? ['/setup', 'Open set-up'] : ['/alerts', 'Open alerts']
  return [path, act]
}

const ACTS: Readonly<Record<string, string>> = {
  accounts: 'Open account',
  agents: 'Open agent',
  invoices: 'Open invoice',
  runs: 'Read findings',
}

/** The needs found in the read model alone: the latest run of each kind that did not settle, late invoices, quarantined channels. */
export function needsOfBook(
  runs: readonly RunBody[],
  invoices: readonly InvoiceBody[],
  accounts: readonly ListedBody[],
): ConsoleNeed[] {
  return [...needsOfRuns(runs), ...needsOfAccounts(accounts), ...needsOfInvoices(invoices)]
}

function needsOfRuns(runs: readonly RunBody[]): ConsoleNeed[] {
  const latest = new Map<RunBody['kind'], RunBody>()
  for (const run of runs) if (!latest.has(run.kind)) latest.set(run.kind, run)
  return [...latest.values()].flatMap(({ id, kind, status, record }): ConsoleNeed[] => {
    if (status === 'settled' || status === 'running') return []
    const found = record.findings?.count ?? 0
    const isBad = status !== 'in_doubt'
    return [
      {
        mood: isBad ? 'bad' : 'warn',
        word: isBad ? 'Critical' : 'Warning',
        title: `The last ${kind} run ended as ${status.replace('_', ' ')}`,
        text: `${found} ${found === 1 ? 'finding' : 'findings'}. The next run continues with what is left.`,
        href: `/runs/${id}`,
        act: 'Read findings',
      },
    ]
  })
}

function needsOfInvoices(invoices: readonly InvoiceBody[]): ConsoleNeed[] {
  return invoices
    .filter(({ stage }) => stage === 'past_due' || stage === 'suspended')
    .map(({ id, buyer, dueAt }) => ({
      mood: 'warn',
      word: 'Warning',
      title: `${buyer.name} is past due`,
      text: `Invoice ${id} was due on ${new Date(dueAt).toISOString().slice(0, 10)}.`,
      href: `/invoices/${id}`,
      act: 'Open invoice',
    }))
}

function needsOfAccounts(accounts: readonly ListedBody[]): ConsoleNeed[] {
  return accounts
    .filter(({ quarantine }) => quarantine)
    .map(({ id, quarantine }) => ({
      mood: 'bad',
      word: 'Critical',
      title: 'A channel is in quarantine',
      text: quarantine ?? '',
      href: `/accounts/${id}`,
      act: 'Open account',
    }))
}
