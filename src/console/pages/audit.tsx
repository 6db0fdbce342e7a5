/** The audit log: each act, who did it, and the states before and after. */
import type { ActBody as Act, Paged } from '../answers.ts'
import { rowsAt } from '../list.ts'
import { Time } from '../parts/figures.tsx'
import { type ListSpec, listPage } from '../parts/list.tsx'
import { Actor, NAMES_PATH, type NameOf, namesFor } from '../parts/names.tsx'
import { FactList, Head, PageSection } from '../parts/page.tsx'
import { Nothing } from '../parts/table.tsx'
import { type PageHandler, type Routes, show, trouble } from '../shell.tsx'

const KINDS = [
  ['invoice', 'Invoices'],
  ['agent', 'Agents'],
  ['account', 'Accounts'],
  ['run', 'Runs'],
  ['site', 'Sites'],
  ['publisher', 'Publishers'],
  ['alert', 'Alerts'],
  ['member', 'Members'],
  ['passkey', 'Passkeys'],
  ['token', 'API tokens'],
  ['session', 'Sessions'],
  ['export', 'Exports'],
] as const

/** The words of acts, by their codes. */
const ACTS: Readonly<Record<string, string>> = {
  'invoice.pay': 'Transfer recorded',
  'invoice.return': 'Transfer taken back',
  'invoice.credit': 'Credit note issued',
  'run.start': 'Runs started',
  'account.reread': 'Channel read from the chain',
  'account.release': 'Hold released',
  'account.lift': 'Quarantine lifted',
  'agent.create': 'Agent created',
  'agent.change': 'Agent changed',
  'agent.suspend': 'Agent suspended',
  'agent.resume': 'Agent resumed',
  'site.put': 'Site draft saved',
  'site.publish': 'Site published',
  'site.suspend': 'Site suspended',
  'site.resume': 'Site resumed',
  'site.revert': 'Site reverted',
  'site.discard': 'Site draft discarded',
  'sites.republish': 'Sites published again',
  'host.prove': 'Host proven',
  'member.invite': 'Member invited',
  'member.accept': 'Invitation accepted',
  'member.change': 'Member changed',
  'member.remove': 'Member removed',
  'passkey.add': 'Passkey added',
  'passkey.remove': 'Passkey removed',
  'token.create': 'Token created',
  'token.revoke': 'Token revoked',
  'session.proof': 'Proof given',
  'publisher.put': 'Publisher saved',
  'book.rebuild': 'Read model rebuilt',
  'relayer.repair': 'Nonces filled',
  'alert.mute': 'Alert muted',
  'alert.test': 'Webhooks tested',
  'session.open': 'Signed in',
  'session.denied': 'Sign-in denied',
  'session.end': 'Session ended',
  export: 'List exported',
}

/** `Transfer recorded` of `invoice.pay`, and `Agent suspended` of `agent.suspend` where no words are known. */
export function actTitle(what: string): string {
  const isAsked = what.endsWith('.asked')
  const code = isAsked ? what.slice(0, -'.asked'.length) : what
  const words = ACTS[code] ?? code.replace(/[._]/g, ' ')
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}${isAsked ? ': asked' : ''}`
}

/** The page that shows what an act was about; null where there is none. */
export function subjectPage({ what, subject }: Pick<Act, 'what' | 'subject'>): string | null {
  const [kind = ''] = what.split('.')
  const folder = {
    invoice: 'invoices',
    agent: 'agents',
    run: 'runs',
    account: 'accounts',
    site: 'sites',
    publisher: 'publishers',
  }[kind]
  // The registry of sites names its subjects with their kind before them.
  return folder ? `/${folder}/${encodeURIComponent(subject.replace(`${kind}:`, ''))}` : null
}

function Subject({ of: act, nameOf }: { of: Act; nameOf: NameOf }) {
  const href = subjectPage(act)
  if (href)
    return (
      <a href={href}>
        <code>{act.subject}</code>
      </a>
    )
  return nameOf(act.subject) === act.subject ? (
    <code>{act.subject}</code>
  ) : (
    <Actor of={act.subject} nameOf={nameOf} />
  )
}

const LIST: Omit<ListSpec<Act>, 'columns'> = {
  title: 'Audit',
  heading: 'All acts',
  caption: 'Acts of operators',
  note: 'An act is noted before it is done, and its result after it',
  sources: ['live'],
  filters: [
    { name: 'what', label: 'Kind', choices: KINDS },
    { name: 'who', label: 'By', hint: 'token 1a2b3c4d' },
    { name: 'subject', label: 'Subject', hint: 'INV-000001' },
  ],
  sort: '-act',
  read: rowsAt('/audit', 'acts'),
  empty: { what: 'No act yet. Each change that an operator makes appears here.' },
  idOf: ({ seq }) => `act-${seq}`,
}

function columnsFor(nameOf: NameOf): ListSpec<Act>['columns'] {
  return [
    {
      title: 'Act',
      cell: ({ seq, what }) => <a href={`/audit/${seq}`}>{actTitle(what)}</a>,
    },
    { title: 'Code', key: 'what', value: ({ what }) => what, cell: ({ what }) => <code>{what}</code> },
    {
      title: 'Subject',
      key: 'subject',
      value: ({ subject }) => subject,
      cell: (act) => <Subject of={act} nameOf={nameOf} />,
    },
    {
      title: 'By',
      key: 'who',
      value: ({ who }) => who,
      cell: ({ who }) => <Actor of={who} nameOf={nameOf} />,
    },
    {
      title: 'Time',
      key: 'at',
      value: ({ at }) => new Date(at).toISOString(),
      cell: ({ at }) => <Time at={at} />,
    },
    {
      title: 'Entry',
      key: 'act',
      sort: 'down',
      kind: 'lead',
      value: ({ seq }) => seq,
      cell: ({ seq }) => seq,
    },
  ]
}

const list: PageHandler = async (c) =>
  listPage({ ...LIST, columns: columnsFor(await namesFor(c.get('desk'))) })(c)

const one: PageHandler = async (c) => {
  const seq = Number(c.req.param('seq') ?? 0)
  const back = { href: '/audit', title: 'Audit' }
  const query = `/audit?after=${Math.max(seq - 1, 0)}&limit=1`
  const desk = c.get('desk')
  const [asked, nameOf] = await Promise.all([desk.ask<Paged<'acts', Act, number>>(query), namesFor(desk)])
  if (!asked.ok) return trouble(c, 'Audit', asked)
  const [act] = asked.value.acts
  if (act?.seq !== seq)
    return show(
      c,
      'Audit',
      <>
        <Head title="No such act" above={back} />
        <Nothing what="The number must be that of an entry in the audit log." />
      </>,
      404,
    )
  return show(
    c,
    actTitle(act.what),
    <>
      <Head title={actTitle(act.what)} above={back} asOf={asked.at} sources={['live']} />
      <PageSection title={`Entry ${seq}`} id="entry">
        <FactList
          of={[
            ['Code', <code>{act.what}</code>],
            ['Subject', <Subject of={act} nameOf={nameOf} />],
            ['By', nameOf(act.who)],
            ['Its id', <code>{act.who}</code>],
            ['Time', <Time at={act.at} />],
          ]}
        />
      </PageSection>
      <PageSection title="What changed" id="changed">
        <Changed before={act.before} after={act.after} />
      </PageSection>
    </>,
  )
}

type States = Pick<Act, 'before' | 'after'>

/** The states before and after an act, beside each other. */
export function Changed({ before, after }: States) {
  if (!before && !after) return <p class="soft">The act states nothing before or after it.</p>
  return (
    <div class="two">
      {before && <StateBefore title="Before" of={before} />}
      {after && <StateBefore title={before ? 'After' : 'Stated'} of={after} />}
    </div>
  )
}

function StateBefore({ title, of }: { title: string; of: Record<string, unknown> }) {
  return (
    <div>
      <h3>{title}</h3>
      <pre class="code">{JSON.stringify(of, null, 2)}</pre>
    </div>
  )
}

/** The pages of the audit log. */
export const auditPages: Routes = [
  { path: '/audit', ahead: () => [NAMES_PATH], get: list },
  { path: '/audit/:seq{[0-9]{1,15}}', get: one },
]
