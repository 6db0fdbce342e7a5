/** The rules of a policy as rows, the form of one rule, and what holds where no rule does. */
import type { Context } from 'hono'
import type { Problem, SiteBody as Site, SiteDocumentBody as SiteDocument } from '../../answers.ts'
import { type Typed, typedIn } from '../../parts/form.tsx'
import { Trouble } from '../../parts/page.tsx'
import { type ConsoleEnv, type PageHandler, show, urlOf } from '../../shell.tsx'
import { edited, faultsAt, fieldsOf, rulesOf, wordsOf } from './edits.ts'
import { type Open, OpenForm } from './rule-form.tsx'
import { ROWS, Rows } from './rule-table.tsx'
import { Crossed, type Editing, hasCrossed, openSite, PolicyHead, placeNow, revisionIn } from './site.tsx'

/** The view of the rules. `?edit=` opens the form of one, of a `new` one, or of the `default`. */
export const showRules: PageHandler = async (c) => {
  const editing = await openSite(c)
  if (editing instanceof Response) return editing
  const edit = editing.isEditor ? urlOf(c).searchParams.get('edit') : null
  return page(c, editing, edit === null ? {} : { open: formOf(editing.document, edit) })
}

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

/** Saves a rule, the default, or another order as the draft. The form keeps its text if the API refuses it. */
export const saveRules: PageHandler = async (c) => {
  const sent = typedIn(await c.req.parseBody())
  // The button that removes a rule stands in the form of the rule.
  const typed = sent.act ? { ...sent, kind: 'move' } : sent
  const editing = await openSite(c, typed)
  if (editing instanceof Response) return editing
  const isMove = typed.kind === 'move'
  const made = edited(editing.document, typed)
  if (!made.ok) return page(c, editing, { open: { typed, faults: made.faults }, status: 400 })
  const { id } = editing.site
  const order = { method: 'PUT', body: JSON.stringify(made.document), revision: revisionIn(typed) } as const
  const asked = await c.get('desk').ask<Site>(`/sites/${id}`, order)
  if (asked.ok) return c.redirect(`/policy/${id}${placeOf(typed, made.document)}`, 303)
  const { problem, status } = asked
  if (hasCrossed(problem)) {
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
  const { site, document, isEditor } = editing
  const { open, crossed, problem, status = 200 } = shown
  const order = { method: 'POST', body: JSON.stringify(document) } as const
  const { ask } = c.get('desk')
  const judged = isEditor ? await ask<{ warnings: Problem['errors'] }>('/sites/check', order) : null
  const notes = judged?.ok ? judged.value.warnings : judged?.problem.errors
  return show(
    c,
    `Policy of ${site.id}`,
    <>
      <PolicyHead of={editing} view="" />
      {crossed && (
        <Crossed by={editing} typed={crossed}>
          {open
            ? open.typed.at === 'new' && crossed.at !== 'new'
              ? 'The rule that you edited was removed. Your text is below, as a new rule.'
              : 'Your text is below. Save it again to put it into the new draft.'
            : 'Nothing was moved. The rules below are the new ones.'}
        </Crossed>
      )}
      {problem && (!open || status !== 400) && <Trouble problem={problem} />}
      {open && <OpenForm c={c} editing={editing} open={open} />}
      <Rows c={c} editing={editing} notes={notes ?? []} isRefused={judged?.ok === false} />
    </>,
    status,
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
