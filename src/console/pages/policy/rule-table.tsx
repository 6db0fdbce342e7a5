/** The rules of a policy as rows in their order, with what the validator says of each. */
import type { Context } from 'hono'
import type { Problem, SiteDocumentBody as SiteDocument } from '../../answers.ts'
import { Badge } from '../../parts/badges.tsx'
import { PageSection } from '../../parts/page.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { type ConsoleEnv, urlOf } from '../../shell.tsx'
import { type DraftRule, faultsByRule, moreOf, noveltyOf, rulesOf, wordsOf } from './edits.ts'
import { BasedOn, type Editing } from './site.tsx'

/** Rows of one page: a policy may have thousands of rules. */
export const ROWS = 25

type RowsProps = {
  c: Context<ConsoleEnv>
  editing: Editing
  notes: NonNullable<Problem['errors']>
  isRefused: boolean
}

type Row = { at: number; rule: DraftRule; said: readonly string[]; novelty: 'new' | 'changed' | null }

/** The rules as a table, with buttons that move them. `notes`: what the validator says of the document. */
export function Rows({ c, editing, notes, isRefused }: RowsProps) {
  const { site, document, isEditor } = editing
  const own = rulesOf(document)
  const rules = own ?? []
  const asked = Number(urlOf(c).searchParams.get('first') ?? 0)
  const first = Number.isInteger(asked) && asked > 0 && asked < rules.length ? asked : 0
  const said = faultsByRule(notes)
  const published = site.published && site.draft ? (rulesOf(site.published.document) ?? []) : null
  const rows = rules.slice(first, first + ROWS).map((rule, index): Row => {
    const at = first + index
    return { at, rule, said: said.get(at) ?? [], novelty: published && noveltyOf(rule, published) }
  })
  const others = notes.filter(({ path }) => !/^terms\.RULES\[/.test(path))
  const table = (
    <RuleTable
      id={site.id}
      rows={rows}
      last={rules.length - 1}
      document={document}
      isInherited={own === null}
      isEditor={isEditor}
    />
  )
  return (
    <PageSection title="Rules" id="rules" note="The first that covers a request decides">
      {others.length > 0 && (
        <p class={isRefused ? 'bad' : 'warn'}>
          {others.map(({ path, message }) => `${path} ${message}`).join('; ')}
        </p>
      )}
      {isEditor ? (
        <form method="post" action={`/policy/${site.id}`}>
          <input type="hidden" name="form" value={c.get('desk').formToken} />
          <input type="hidden" name="kind" value="move" />
          <BasedOn of={editing} />
          {table}
        </form>
      ) : (
        table
      )}
      {rules.length > ROWS && <Pages id={site.id} first={first} all={rules.length} />}
      <div class="row">
        {isEditor && (
          <a class="btn" href={`/policy/${site.id}?edit=new#edit`}>
            Add a rule
          </a>
        )}
        <span class="soft">
          robots.txt, /.well-known and sitemaps are always free. Readers read free unless a rule names them.
        </span>
      </div>
    </PageSection>
  )
}

/** The row of what holds where no rule does. */
const DEFAULT = -1

type TableProps = {
  id: string
  rows: Row[]
  last: number
  document: SiteDocument
  isInherited: boolean
  isEditor: boolean
}

function RuleTable({ id, rows, last, document: { terms }, isInherited, isEditor }: TableProps) {
  const preset = terms.PRESET === undefined ? '' : `, behind preset ${wordsOf(terms.PRESET)}`
  const price = terms.PRICE === undefined ? 'the deployment’s' : priceOf(terms.PRICE)
  const fallback: Row = {
    at: DEFAULT,
    rule: { action: 'charge', who: `crawlers${preset}` },
    said: [],
    novelty: null,
  }
  return (
    <Table
      caption="Rules in their order"
      rows={[...rows, fallback]}
      empty={{ what: '' }}
      columns={[
        {
          title: 'Rule',
          cell: (row) =>
            row.at === DEFAULT ? (
              <>Anything else{isInherited && <small> by the deployment’s rules, if it has any</small>}</>
            ) : (
              <Named {...row} />
            ),
        },
        { title: 'Who', cell: ({ rule }) => wordsOf(rule.who) || 'crawlers' },
        { title: 'Action', kind: 'word', cell: ({ rule }) => <Acted action={wordsOf(rule.action)} /> },
        {
          title: 'Price',
          kind: 'n',
          cell: ({ at, rule }) =>
            at === DEFAULT ? price : rule.action === 'charge' ? priceOf(rule.price ?? terms.PRICE) : '',
        },
        {
          title: 'Offered',
          cell: ({ rule }) => wordsOf(rule.schemes) || (rule.action === 'charge' ? 'as for the site' : ''),
        },
        ...(isEditor ? [orderColumn(id, last)] : []),
      ]}
    />
  )
}

/** The column of the buttons that move a rule, for those who may. */
function orderColumn(id: string, last: number): Column<Row> {
  return {
    title: 'Order',
    kind: 'full',
    isHidden: true,
    cell: ({ at }) =>
      at === DEFAULT ? (
        <div class="moves">
          <a class="btn sm" href={`/policy/${id}?edit=default#edit`}>
            Edit<span class="hide"> what holds where no rule does</span>
          </a>
        </div>
      ) : (
        <Moves id={id} at={at} last={last} />
      ),
  }
}

function priceOf(price: unknown): string {
  const text = wordsOf(price)
  return /^\d/.test(text) ? `$${text}` : text || 'the deployment’s'
}

function Acted({ action }: { action: string }) {
  return action.charAt(0).toUpperCase() + action.slice(1)
}

function Named({ at, rule, said, novelty }: Row) {
  const more = moreOf(rule)
  return (
    <span id={`rule-${at + 1}`}>
      {`${at + 1} `}
      <code>{wordsOf(rule.path) || 'every path'}</code>{' '}
      {novelty && <Badge mood={novelty === 'new' ? 'good' : 'warn'}>{novelty}</Badge>}
      {more && (
        <>
          <br />
          <small>{more}</small>
        </>
      )}
      {said.map((text) => (
        <>
          <br />
          <small class="warn">{text}</small>
        </>
      ))}
    </span>
  )
}

function Moves({ id, at, last }: { id: string; at: number; last: number }) {
  const rule = `rule ${at + 1}`
  return (
    <div class="moves">
      <button
        class="btn sm"
        name="act"
        value={`up ${at}`}
        type="submit"
        disabled={at === 0}
        aria-label={`Move ${rule} up`}
      >
        ↑
      </button>{' '}
      <button
        class="btn sm"
        name="act"
        value={`down ${at}`}
        type="submit"
        disabled={at === last}
        aria-label={`Move ${rule} down`}
      >
        ↓
      </button>{' '}
      <a class="btn sm" href={`/policy/${id}?edit=${at}#edit`}>
        Edit<span class="hide"> {rule}</span>
      </a>
    </div>
  )
}

function Pages({ id, first, all }: { id: string; first: number; all: number }) {
  return (
    <p>
      {`Rules ${first + 1} to ${Math.min(first + ROWS, all)} of ${all}. `}
      {first > 0 && <a href={`/policy/${id}?first=${Math.max(0, first - ROWS)}`}>Earlier rules</a>}{' '}
      {first + ROWS < all && <a href={`/policy/${id}?first=${first + ROWS}`}>Later rules</a>}
    </p>
  )
}
