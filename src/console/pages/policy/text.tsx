/** The document of a site as text: the same JSON that the command line reads and writes. */
import type { Context } from 'hono'
import type { Problem, SiteBody as Site } from '../../answers.ts'
import { ActForm, Field, type Typed, typedIn } from '../../parts/form.tsx'
import { PageSection, Trouble } from '../../parts/page.tsx'
import { type ConsoleEnv, type PageHandler, show } from '../../shell.tsx'
import { edited, type Faults, faultsAt } from './edits.ts'
import {
  BasedOn,
  Crossed,
  documentText,
  type Editing,
  hasCrossed,
  openSite,
  PolicyHead,
  revisionIn,
} from './site.tsx'

/** The view of the text. */
export const showText: PageHandler = async (c) => {
  const editing = await openSite(c)
  return editing instanceof Response ? editing : page(c, editing, { text: documentText(editing.document) })
}

/** Saves the text as the draft. The form keeps it if the API refuses it. */
export const saveText: PageHandler = async (c) => {
  const typed: Typed = { ...typedIn(await c.req.parseBody()), kind: 'text' }
  const editing = await openSite(c, typed)
  if (editing instanceof Response) return editing
  const { text = '' } = typed
  const made = edited(editing.document, typed)
  if (!made.ok) return page(c, editing, { text, faults: made.faults, status: 400 })
  const { id } = editing.site
  const order = { method: 'PUT', body: JSON.stringify(made.document), revision: revisionIn(typed) } as const
  const asked = await c.get('desk').ask<Site>(`/sites/${id}`, order)
  if (asked.ok) return c.redirect(`/policy/${id}/publish`, 303)
  const { problem, status } = asked
  if (hasCrossed(problem)) return page(c, editing, { text, crossed: typed, status: 409 })
  if (status === 400)
    return page(c, editing, { text, faults: faultsAt(problem.errors, typed, editing.document), status })
  return page(c, editing, { text, problem, status: status === 409 ? 409 : 503 })
}

type Shown = {
  text: string
  faults?: Faults
  problem?: Problem
  crossed?: Typed
  status?: 400 | 409 | 503
}

function page(c: Context<ConsoleEnv>, editing: Editing, shown: Shown) {
  const { id } = editing.site
  const { text, faults = {}, problem, crossed, status = 200 } = shown
  return show(
    c,
    `Policy of ${id} as text`,
    <>
      <PolicyHead of={editing} view="/text" />
      {crossed && (
        <Crossed by={editing} typed={crossed}>
          Your text is below. Save it again to put it in the place of the new draft.
        </Crossed>
      )}
      {problem && <Trouble problem={problem} />}
      <PageSection title="Document" id="document" note="As in tab402 sites import FILE.json">
        {editing.isEditor ? (
          <ActForm
            action={`/policy/${id}/text`}
            check={`/policy/${id}/check`}
            formToken={c.get('desk').formToken}
            title="Save to the draft"
            isMain
          >
            <BasedOn of={editing} />
            <input type="hidden" name="kind" value="text" />
            <Field
              name="text"
              label="The site, with the vars of docs/policy.md as its terms"
              rows={24}
              typed={{ text }}
              fault={faults.text}
            />
          </ActForm>
        ) : (
          <pre class="code">{text}</pre>
        )}
      </PageSection>
    </>,
    status,
  )
}
