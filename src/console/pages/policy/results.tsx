/** The effect of a draft: the requests of the last day under it, and the figures of shadow mode. */
import type { Child } from 'hono/jsx'
import { crawlerName, DAY } from '../../figures.ts'
import { Badge } from '../../parts/badges.tsx'
import { dayText, dollars, Money, priceText, Time, Whole } from '../../parts/figures.tsx'
import { PageSection, Trouble } from '../../parts/page.tsx'
import { Nothing, Table } from '../../parts/table.tsx'
import { type PageHandler, show } from '../../shell.tsx'
import { openSite, PolicyHead } from './site.tsx'
import { ruleName } from './try.tsx'

type Span = { least: string | number; most: string | number }
type Sums = Record<'charge' | 'allow' | 'block' | 'asked' | 'earned', Span>
type Decided = { action: string; price: string; rule: string }

type ReplayBody = {
  version: number | null
  isDraft: boolean
  source: 'traffic' | 'shadow'
  from: number
  to: number
  rows: {
    who: string
    requests: number
    charged: string
    outcomes: { live: Decided; draft: Decided }[]
  }[]
  live: Sums
  draft: Sums
  change: Sums
  left: number
  notes: string[]
}

type ShadowSums = { requests: number; pages: number; asked: string }

/** A day of shadow mode. */
export type ShadowBody = {
  day: string
  total: ShadowSums
  crawlers: (ShadowSums & { crawler: string; class: string })[]
  rules: (ShadowSums & { rule: string; action: string })[]
  paths: (ShadowSums & { path: string })[]
}

/** Rows of a table of this page. The API has more. */
const ROWS = 20

/** The view of the results. */
export const showResults: PageHandler = async (c) => {
  const editing = await openSite(c)
  if (editing instanceof Response) return editing
  const { id, mode } = editing.site
  const { ask } = c.get('desk')
  const day = (at: number) => new Date(at).toISOString().slice(0, 10)
  const shadow = (at: number) => ask<ShadowBody>(`/shadow?site=${id}&day=${day(at)}`)
  const [replay, today, before] = await Promise.all([
    ask<ReplayBody>(`/sites/${id}/replay`),
    shadow(editing.at),
    shadow(editing.at - DAY),
  ])
  return show(
    c,
    `Results of the policy of ${id}`,
    <>
      <PolicyHead of={editing} view="/results" />
      {replay.ok ? <Replayed of={replay.value} /> : <Trouble problem={replay.problem} />}
      {today.ok && before.ok ? (
        <Shadowed days={[today.value, before.value]} mode={mode} />
      ) : (
        <Trouble problem={[today, before].flatMap((one) => (one.ok ? [] : [one.problem]))[0] ?? LOST} />
      )}
    </>,
  )
}

const LOST = { title: 'The figures cannot be read', detail: 'Load the page again.', code: 'unavailable' }

function Replayed({ of }: { of: ReplayBody }) {
  const { isDraft, source, from, to, rows } = of
  const counted = source === 'shadow' ? 'Requests that shadow mode counted' : 'Counted requests'
  return (
    <PageSection
      title={source === 'shadow' ? 'Replay of shadow mode' : 'Replay of the last 24 hours'}
      id="replay"
      note={
        <>
          {counted}, <Time at={from} /> to <Time at={to} />
        </>
      }
    >
      {rows.length === 0 ? (
        <Nothing what="No data yet. Figures appear within five minutes of the first request." />
      ) : (
        <>
          {!isDraft && <p class="gap">No draft exists: both columns are the version that is published.</p>}
          <SumTable of={of} />
          <ByCrawler of={of} />
        </>
      )}
      <Limits of={of} />
    </PageSection>
  )
}

function draftName({ isDraft }: ReplayBody): string {
  return isDraft ? 'Draft' : 'Unchanged'
}

function SumTable({ of }: { of: ReplayBody }) {
  const { version, live, draft, change } = of
  return (
    <Table
      caption="What these requests would have been"
      // No crawler pays in shadow mode, so its earnings are unknown.
      rows={SUMS.filter(([name]) => of.source === 'traffic' || name !== 'earned')}
      empty={{ what: '' }}
      columns={[
        { title: 'Sum', cell: ([, title]) => title },
        { title: `Version ${version}`, kind: 'n', cell: ([name]) => <Sum name={name} of={live[name]} /> },
        { title: draftName(of), kind: 'n', cell: ([name]) => <Sum name={name} of={draft[name]} /> },
        { title: 'Change', kind: 'lead', cell: ([name]) => <Change name={name} of={change[name]} /> },
      ]}
    />
  )
}

/** Different outcomes of one row that are named. */
const NAMED = 3

function ByCrawler({ of }: { of: ReplayBody }) {
  const side = (name: 'live' | 'draft') => (row: ReplayBody['rows'][number]) => {
    const all = [...new Map(row.outcomes.map((one) => [JSON.stringify(one[name]), one[name]])).values()]
    return (
      <>
        {all.slice(0, NAMED).map((one, at) => (
          <>
            {at > 0 && ' or '}
            <Decision {...one} />
          </>
        ))}
        {all.length > NAMED && ` or ${all.length - NAMED} others`}
      </>
    )
  }
  return (
    <section aria-labelledby="replay-crawlers">
      <h3 id="replay-crawlers">By crawler</h3>
      <Table
        caption="Requests by crawler and decision, the most frequent first"
        rows={of.rows.slice(0, ROWS)}
        empty={{ what: '' }}
        columns={[
          { title: 'Crawler', cell: ({ who }) => crawlerName(who) },
          { title: 'Requests', kind: 'n', cell: ({ requests }) => <Whole of={requests} /> },
          { title: 'Paid', kind: 'n', cell: ({ charged }) => <Money of={charged} /> },
          { title: `Version ${of.version}`, cell: side('live') },
          { title: draftName(of), cell: side('draft') },
          { title: 'Change', kind: 'lead', cell: (row) => <Turn of={row} /> },
        ]}
      />
    </section>
  )
}

/** Whether the draft decides otherwise: for all pages, for some of them, or for none. */
function Turn({ of: { outcomes } }: { of: ReplayBody['rows'][number] }) {
  const others = outcomes.filter(
    ({ live, draft }) => live.action !== draft.action || live.price !== draft.price,
  )
  if (others.length === 0) return <span class="soft">none</span>
  return <Badge mood="warn">{others.length === outcomes.length ? 'changes' : 'by page'}</Badge>
}

function Limits({ of: { left, notes } }: { of: ReplayBody }) {
  return (
    <details class="gap">
      <summary>What this cannot know</summary>
      <ul>
        {left > 0 && (
          <li class="soft">
            <Whole of={left} /> requests are in no sum: no known page explains their decision.
          </li>
        )}
        <li class="soft">
          “Would earn” assumes that those who paid would pay the new price. Nothing was charged.
        </li>
        {notes.map((note) => (
          <li class="soft">{note}</li>
        ))}
      </ul>
    </details>
  )
}

const SUMS = [
  ['earned', 'Would earn, if those who paid pay again'],
  ['asked', 'Would ask for, if all paid'],
  ['charge', 'Requests to be paid for'],
  ['allow', 'Requests that pass free'],
  ['block', 'Requests that are blocked'],
] as const

type SumName = (typeof SUMS)[number][0]

function isMoney(name: SumName): boolean {
  return name === 'earned' || name === 'asked'
}

function Figure({ name, of }: { name: SumName; of: string | number }) {
  return isMoney(name) ? <Money of={String(of)} /> : <Whole of={Number(of)} />
}

function Sum({ name, of: { least, most } }: { name: SumName; of: Span }) {
  if (String(least) === String(most)) return <Figure name={name} of={least} />
  return (
    <>
      <Figure name={name} of={least} /> to <Figure name={name} of={most} />
    </>
  )
}

function Change({ name, of: { least, most } }: { name: SumName; of: Span }) {
  const text = (change: bigint) => {
    const size = change < 0n ? -change : change
    const sign = change < 0n ? '−' : change > 0n ? '+' : ''
    return `${sign}${isMoney(name) ? dollars(size) : size}`
  }
  const [low, high] = [text(BigInt(least)), text(BigInt(most))]
  return <>{low === high ? low : `${low} to ${high}`}</>
}

function Decision({ action, price, rule }: Decided) {
  const words: Record<string, string> = { allow: 'Free', block: 'Blocked' }
  return (
    <>
      {words[action] ?? priceText(BigInt(price))} <small>{ruleName(rule)}</small>
    </>
  )
}

function Shadowed({
  days: [today, before],
  mode,
}: {
  days: readonly [ShadowBody, ShadowBody]
  mode: string
}) {
  const isEmpty = today.total.requests + before.total.requests === 0
  const note = 'The prices that would have been asked. Everybody was served'
  if (isEmpty)
    return (
      <PageSection title="Shadow mode" id="shadow" note={note}>
        <Nothing
          what={
            mode === 'shadow'
              ? 'No data yet. The first requests appear within a minute.'
              : 'Nothing was counted: the site was not in shadow mode today or yesterday.'
          }
        />
      </PageSection>
    )
  const shown = today.total.requests > 0 ? today : before
  return (
    <PageSection title="Shadow mode" id="shadow" note={note}>
      <Table
        caption="Shadow mode by day"
        rows={[today, before]}
        empty={{ what: '' }}
        columns={[
          { title: 'Day', cell: ({ day }) => (day === today.day ? `${dayName(day)}, so far` : dayName(day)) },
          { title: 'Requests', kind: 'n', cell: ({ total }) => <Whole of={total.requests} /> },
          { title: 'To be paid', kind: 'n', cell: ({ total }) => <Whole of={total.pages} /> },
          { title: 'Would have been asked', kind: 'lead', cell: ({ total }) => <Money of={total.asked} /> },
        ]}
      />
      <div class="two">
        <section aria-labelledby="shadow-crawlers">
          <h3 id="shadow-crawlers">{`By crawler, ${dayName(shown.day)}`}</h3>
          <ShadowTable
            rows={shown.crawlers}
            title="Crawler"
            cell={({ crawler, class: purpose }) => (
              <>
                {crawler === 'nameless' ? crawlerName('') : crawler} <small>{purpose}</small>
              </>
            )}
          />
        </section>
        <section aria-labelledby="shadow-rules">
          <h3 id="shadow-rules">{`By rule, ${dayName(shown.day)}`}</h3>
          <ShadowTable
            rows={shown.rules}
            title="Rule"
            cell={({ rule, action }) => (
              <>
                {ruleName(rule)} <small>{action}</small>
              </>
            )}
          />
        </section>
      </div>
      <section aria-labelledby="shadow-paths">
        <h3 id="shadow-paths">{`By path, ${dayName(shown.day)}`}</h3>
        <ShadowTable rows={shown.paths} title="Path" cell={({ path }) => <code>{path}</code>} />
      </section>
    </PageSection>
  )
}

/** `27 Nov 2026` of `2026-11-27`. */
function dayName(day: string): string {
  return dayText(Date.parse(day))
}

type ShadowTableProps<Row> = { rows: readonly Row[]; title: string; cell: (row: Row) => Child }

function ShadowTable<Row extends ShadowSums>({ rows, title, cell }: ShadowTableProps<Row>) {
  return (
    <Table
      caption={`Shadow mode by ${title.toLowerCase()}`}
      rows={rows.slice(0, ROWS)}
      empty={{ what: 'No data yet.' }}
      columns={[
        { title, cell },
        { title: 'Requests', kind: 'n', cell: ({ requests }) => <Whole of={requests} /> },
        { title: 'Asked', kind: 'lead', cell: ({ asked }) => <Money of={asked} /> },
      ]}
    />
  )
}
