/** The rules of a policy as rows, the form of one rule, and what holds where no rule does. */
import type { Context } from 'hono'
import type { Problem, SiteBody as Site, SiteDocumentBody as SiteDocument } from '../../answers.ts'
import { Badge } from '../../parts/badges.tsx'
import { ActForm, Field, type Typed, typedIn } from '../../parts/form.tsx'
import { PageSection, Trouble } from '../../parts/page.tsx'
import { Table } from '../../parts/table.tsx'
import { type ConsoleEnv, type PageHandler, show, urlOf } from '../../shell.tsx'
import {
  edited,
  type Faults,
  faultsAt,
  faultsByRule,
  fieldsOf,
  moreOf,
  noveltyOf,
  type Rule,
  rulesOf,
  wordsOf,
} from './edits.ts'
import {
  BasedOn,
  Crossed,
  type Editing,
  isStale,
  openSite,
  PolicyHead,
  placeNow,
  revisionIn,
} from './site.tsx'

/** Rows of one page: a policy may have thousands of rules. */
const ROWS = 50

/** The view of the rules. `?edit=` opens the form of one, of a `new` one, or of the `default`. */
export const showRules: PageHandler = async (c) => {
  const editing = await openSite(c)
  if (editing instanceof Response) return editing
  const edit = urlOf(c).searchParams.get('edit')
  return page(c, editing, edit === null ? {} : { open: formOf(editing.document, edit) })
}

/** A form that is open, and what was found wrong with it. */
type Open = { typed: Typed; faults?: Faults; problem?: Problem }

function formOf(document: SiteDocument, edit: string): Open {
  if (edit === 'default') {
    const { PRICE, PRESET } = document.terms
    return { typed: { kind: 'default', PRICE: wordsOf(PRICE), PRESET: wordsOf(PRESET) } }
  }
  const rule = (rulesOf(document) ?? [])[Number(edit)]
  const isKnown = /^\d+$/.test(edit) && rule !== undefined
  const fields = fieldsOf(isKnown ? rule : { action: 'charge' })
  return { typed: { kind: 'rule', at: isKnown ? edit : 'new', ...fields } }
}

/** Saves a rule, the default, or another order as the draft. What was typed stays if the API refuses it. */
export const saveRules: PageHandler = async (c) => {
  const typed = typedIn(await c.req.parseBody())
  const editing = await openSite(c, typed)
  if (editing instanceof Response) return editing
  const isMove = typed.kind === 'move'
  // The buttons of a form that is open name what they do; all others move rules.
  const made = edited(editing.document, typed)
  if (!made.ok) return page(c, editing, { open: { typed, faults: made.faults }, status: 400 })
  const { id } = editing.site
  const order = { method: 'PUT', body: JSON.stringify(made.document), revision: revisionIn(typed) } as const
  const asked = await c.get('desk').ask<Site>(`/sites/${id}`, order)
  if (asked.ok) return c.redirect(`/policy/${id}${placeOf(typed, made.document)}`, 303)
  const { problem, status } = asked
  if (isStale(problem)) {
    const at = placeNow(typed, editing.document)
    const kept = isMove ? {} : { open: { typed: { ...typed, at } } }
    return page(c, editing, { ...kept, crossed: typed, status: 409 })
  }
  const faults = faultsAt(problem.errors, typed, editing.document)
  const open = isMove ? {} : { open: { typed, faults, problem } }
  return page(c, editing, { ...open, problem, status: status === 400 ? 400 : status === 409 ? 409 : 503 })
}

/** The page and the row of what was changed. */
function placeOf({ kind, at, act = '' }: Typed, document: SiteDocument): string {
  const [move, from] = act.split(' ')
  const last = (rulesOf(document) ?? []).length - 1
  if (kind === 'default' || last < 0) return '#rules'
  const row =
    kind === 'rule'
      ? at === 'new'
        ? last
        : Number(at)
      : Number(from) + (move === 'up' ? -1 : move === 'down' ? 1 : 0)
  const shown = Math.min(Math.max(row, 0), last)
  const first = Math.floor(shown / ROWS) * ROWS
  return `${first === 0 ? '' : `?first=${first}`}#rule-${shown + 1}`
}

type Shown = { open?: Open; crossed?: Typed; problem?: Problem; status?: 400 | 409 | 503 }

async function page(c: Context<ConsoleEnv>, editing: Editing, shown: Shown): Promise<Response> {
  const { site, document } = editing
  const { open, crossed, problem, status = 200 } = shown
  const order = { method: 'POST', body: JSON.stringify(document) } as const
  const judged = await c.get('desk').ask<{ warnings: Problem['errors'] }>('/sites/check', order)
  const notes = judged.ok ? judged.value.warnings : judged.problem.errors
  return show(
    c,
    `Policy of ${site.id}`,
    <>
      <PolicyHead of={editing} view="" />
      {crossed && (
        <Crossed by={editing} typed={crossed}>
          {open
            ? open.typed.at === 'new' && crossed.at !== 'new'
              ? 'The rule that you edited is no longer there. What you typed is below, as a new rule.'
              : 'What you typed is below. Save it again to put it into the new draft.'
            : 'Nothing was moved. The rules below are the new ones.'}
        </Crossed>
      )}
      {problem && (!open || status !== 400) && <Trouble problem={problem} />}
      {open && <OpenForm c={c} editing={editing} open={open} />}
      <Rows c={c} editing={editing} notes={notes ?? []} isRefused={!judged.ok} />
    </>,
    status,
  )
}

const ACTIONS = [
  ['charge', 'Charge'],
  ['allow', 'Allow, free'],
  ['block', 'Block'],
] as const

const PRESETS = [
  ['', 'The deployment’s'],
  ['none', 'none'],
  ['publisher', 'publisher'],
  ['api', 'api'],
] as const

type FormProps = { c: Context<ConsoleEnv>; editing: Editing; open: Open }

function OpenForm({ c, editing, open: { typed, faults = {} } }: FormProps) {
  const { id } = editing.site
  const { formToken } = c.get('desk')
  const at = (name: string) => ({ name, typed, fault: faults[name] })
  const isDefault = typed.kind === 'default'
  const isNew = typed.at === 'new'
  const title = isDefault ? 'Where no rule decides' : isNew ? 'New rule' : `Rule ${Number(typed.at) + 1}`
  return (
    <PageSection title={title} id="edit" note={<a href={`/policy/${id}`}>Close without saving</a>}>
      <ActForm
        action={`/policy/${id}`}
        check={`/policy/${id}/check`}
        formToken={formToken}
        title={isNew ? 'Add to the draft' : 'Save to the draft'}
        isMain
      >
        <BasedOn of={editing} />
        <input type="hidden" name="kind" value={typed.kind} />
        <input type="hidden" name="at" value={typed.at} />
        <p class="bad" data-fault="form" aria-live="polite">
          {faults.form}
        </p>
        {isDefault ? (
          <div class="pair">
            <Field {...at('PRICE')} label="Price of a page, USD" hint="Empty: the deployment’s PRICE" />
            <Field
              {...at('PRESET')}
              label="Preset"
              hint="Ready-made rules behind your own"
              choices={PRESETS}
            />
          </div>
        ) : (
          <RuleFields at={at} />
        )}
      </ActForm>
    </PageSection>
  )
}

function RuleFields({
  at,
}: {
  at: (name: string) => { name: string; typed: Typed; fault: string | undefined }
}) {
  return (
    <div class="pair">
      <Field {...at('action')} label="Action" choices={ACTIONS} />
      <Field {...at('price')} label="Price, USD" hint="Of a charge. Empty: the price where no rule decides" />
      <Field {...at('path')} label="Path" hint="Such as /archive/*. Empty: every path" />
      <Field
        {...at('who')}
        label="Who"
        hint="crawlers, readers, everyone, search, training or GPTBot, with commas"
      />
      <Field {...at('schemes')} label="Offered" hint="channel, exact, credit. Empty: as for the site" />
      <Field
        {...at('more')}
        label="Further terms, as JSON"
        rows={2}
        hint={'Such as {"country": ["DE"], "query": "any"}'}
      />
    </div>
  )
}

type RowsProps = {
  c: Context<ConsoleEnv>
  editing: Editing
  notes: NonNullable<Problem['errors']>
  isRefused: boolean
}

type Row = { at: number; rule: Rule; said: readonly string[]; novelty: 'new' | 'changed' | null }

function Rows({ c, editing, notes, isRefused }: RowsProps) {
  const { site, document } = editing
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
  return (
    <PageSection title="Rules" id="rules" note="The first that covers a request decides">
      {others.length > 0 && (
        <p class={isRefused ? 'bad' : 'warn'}>
          {others.map(({ path, message }) => `${path} ${message}`).join('; ')}
        </p>
      )}
      <form method="post" action={`/policy/${site.id}`}>
        <input type="hidden" name="form" value={c.get('desk').formToken} />
        <input type="hidden" name="kind" value="move" />
        <BasedOn of={editing} />
        <RuleTable
          id={site.id}
          rows={rows}
          last={rules.length - 1}
          document={document}
          isInherited={own === null}
        />
      </form>
      {rules.length > ROWS && <Pages id={site.id} first={first} all={rules.length} />}
      <div class="row">
        <a class="btn" href={`/policy/${site.id}?edit=new#edit`}>
          Add a rule
        </a>
        <span class="soft">
          robots.txt, /.well-known and sitemaps are always free. Readers read free unless a rule names them.
        </span>
      </div>
    </PageSection>
  )
}

/** The row of what holds where no rule does. */
const DEFAULT = -1

type TableProps = { id: string; rows: Row[]; last: number; document: SiteDocument; isInherited: boolean }

function RuleTable({ id, rows, last, document: { terms }, isInherited }: TableProps) {
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
        { title: 'Who', kind: 'full', cell: ({ rule }) => wordsOf(rule.who) || 'crawlers' },
        { title: 'Action', kind: 'lead', cell: ({ rule }) => <Acted action={wordsOf(rule.action)} /> },
        {
          title: 'Price',
          kind: 'n',
          cell: ({ at, rule }) =>
            at === DEFAULT ? price : rule.action === 'charge' ? priceOf(rule.price ?? terms.PRICE) : '—',
        },
        {
          title: 'Offered',
          kind: 'full',
          cell: ({ rule }) => wordsOf(rule.schemes) || (rule.action === 'charge' ? 'as for the site' : '—'),
        },
        {
          title: 'Order',
          kind: 'acts',
          isHidden: true,
          cell: ({ at }) =>
            at === DEFAULT ? (
              <a class="btn sm" href={`/policy/${id}?edit=default#edit`}>
                Edit<span class="hide"> what holds where no rule does</span>
              </a>
            ) : (
              <Moves id={id} at={at} last={last} />
            ),
        },
      ]}
    />
  )
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
    <span class="moves">
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
      </a>{' '}
      <button class="btn sm" name="act" value={`remove ${at}`} type="submit" aria-label={`Remove ${rule}`}>
        Remove
      </button>
    </span>
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

/** The faults of a form while it is typed, as JSON by field. Nothing is saved. */
export const checkTyped: PageHandler = async (c) => {
  const typed = typedIn(await c.req.parseBody())
  const { ask } = c.get('desk')
  const asked = await ask<Site>(`/sites/${encodeURIComponent(c.req.param('site') ?? '')}`)
  const document = asked.ok ? (asked.value.draft ?? asked.value.published)?.document : undefined
  if (!document) return c.json({ faults: {} }, 503)
  const made = edited(document, typed)
  if (!made.ok) return c.json({ faults: made.faults })
  const judged = await ask('/sites/check', { method: 'POST', body: JSON.stringify(made.document) })
  if (judged.ok) return c.json({ faults: {} })
  if (judged.status !== 400) return c.json({ faults: {} }, 503)
  return c.json({ faults: faultsAt(judged.problem.errors, typed, document) })
}
