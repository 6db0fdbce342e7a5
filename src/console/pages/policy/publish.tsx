/** The review of a draft before it is published: what changes, when, and in which mode. */
import type { Context } from 'hono'
import type { Problem, SiteBody as Site } from '../../answers.ts'
import { Diff } from '../../parts/diff.tsx'
import { ActForm, Field, type Typed, typedIn } from '../../parts/form.tsx'
import { PageSection, Trouble } from '../../parts/page.tsx'
import { Nothing } from '../../parts/table.tsx'
import { type ConsoleEnv, type PageHandler, show } from '../../shell.tsx'
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

/** The modes that a version can be published in. */
const MODES = ['live', 'shadow'] as const

/** The review. */
export const showPublish: PageHandler = async (c) => {
  const editing = await openSite(c)
  return editing instanceof Response ? editing : page(c, editing, { typed: {} })
}

/** Publishes what the review has shown, and nothing else: a change by somebody else since is shown instead. */
export const publishDraft: PageHandler = async (c) => {
  const typed = typedIn(await c.req.parseBody())
  const editing = await openSite(c, typed)
  if (editing instanceof Response) return editing
  const { site, document } = editing
  const { ask } = c.get('desk')
  const mode = MODES.find((known) => known === typed.mode) ?? 'live'
  let revision = revisionIn(typed)
  if (revision === site.revision && document.mode !== mode) {
    const order = { method: 'PUT', body: JSON.stringify({ ...document, mode }), revision } as const
    const put = await ask<Site>(`/sites/${site.id}`, order)
    if (!put.ok) return refused(c, editing, typed, put)
    revision = put.value.revision
  }
  const note = typed.note?.trim()
  const order = { method: 'POST', body: JSON.stringify(note ? { note } : {}), revision } as const
  const asked = await ask<{ version: number }>(`/sites/${site.id}/publish`, order)
  if (asked.ok) return c.redirect(`/policy/${site.id}/history#version-${asked.value.version}`, 303)
  return refused(c, editing, typed, asked)
}

/** Drops the draft. */
export const discard: PageHandler = async (c) => {
  const typed = typedIn(await c.req.parseBody())
  const editing = await openSite(c, typed)
  if (editing instanceof Response) return editing
  const { id } = editing.site
  const order = { method: 'DELETE', revision: revisionIn(typed) } as const
  const asked = await c.get('desk').ask<{ site: Site | null }>(`/sites/${id}/draft`, order)
  if (asked.ok) return c.redirect(asked.value.site ? `/policy/${id}` : '/sites', 303)
  return refused(c, editing, typed, asked)
}

type Refusal = { status: number; problem: Problem }

async function refused(c: Context<ConsoleEnv>, was: Editing, typed: Typed, { status, problem }: Refusal) {
  // The draft may have been saved in another mode before it was refused: the form must be based on that one.
  const read = await openSite(c)
  const editing = read instanceof Response ? was : read
  const known = status === 400 || status === 409 ? status : 503
  return hasCrossed(problem)
    ? page(c, editing, { typed, isCrossed: true, status: 409 })
    : page(c, editing, { typed, problem, status: known })
}

type Shown = { typed: Typed; problem?: Problem; isCrossed?: boolean; status?: 200 | 400 | 409 | 503 }

function page(c: Context<ConsoleEnv>, editing: Editing, { typed, problem, isCrossed, status = 200 }: Shown) {
  const { id } = editing.site
  return show(
    c,
    `Publish the policy of ${id}`,
    <>
      <PolicyHead of={editing} view="/publish" />
      {isCrossed && (
        <Crossed by={editing} typed={typed}>
          Look at what would be published now. Your note is kept.
        </Crossed>
      )}
      {problem && <Trouble problem={problem} />}
      <Review c={c} editing={editing} typed={typed} />
    </>,
    status,
  )
}

function Review({ c, editing, typed }: { c: Context<ConsoleEnv>; editing: Editing; typed: Typed }) {
  const { site, document } = editing
  const { id, published, draft } = site
  const { formToken } = c.get('desk')
  const version = (published?.version ?? 0) + 1
  const isTrial = published?.document.mode === 'shadow'
  if (!draft && !isTrial && published?.document.mode !== 'draft')
    return (
      <PageSection title="Publish" id="publish">
        <Nothing
          what="No draft exists. The site serves the version that is published."
          next={<a href={`/policy/${id}`}>Change a rule first</a>}
        />
      </PageSection>
    )
  return (
    <>
      <PageSection
        title={`What version ${version} changes`}
        id="changes"
        note={published ? `Against version ${published.version}` : 'The first version'}
      >
        <Diff before={documentText(published?.document)} after={documentText(document)} />
        {!draft && isTrial && (
          <p class="gap">
            Only the mode changes: crawlers are asked to pay as soon as the version takes effect.
          </p>
        )}
      </PageSection>
      <PageSection title={`Publish version ${version}`} id="publish">
        <form class="form" method="post" action={`/policy/${id}/publish`}>
          <input type="hidden" name="form" value={formToken} />
          <BasedOn of={editing} />
          <p>{whenOf(site)}</p>
          <Field
            name="note"
            label="Note for the record"
            hint="Why it changes. The history keeps it"
            typed={typed}
          />
          <div class="row">
            <button class="btn go" type="submit" name="mode" value="live">
              {`Publish version ${version} live`}
            </button>
            <button class="btn" type="submit" name="mode" value="shadow">
              Run it in shadow mode
            </button>
          </div>
          <p class="soft">
            In shadow mode everybody is served, nothing is charged, and{' '}
            <a href={`/policy/${id}/results`}>Results</a> shows what would have been asked. You can go back to
            any version at any time.
          </p>
        </form>
        {draft && (
          <ActForm action={`/policy/${id}/discard`} formToken={formToken} title="Drop the draft">
            <BasedOn of={editing} />
          </ActForm>
        )}
      </PageSection>
    </>
  )
}

/** When a version takes effect. A site that serves nothing has made no offer, so it begins at once. */
function whenOf({ mode }: Site): string {
  return mode === 'draft' || mode === 'suspended'
    ? 'It takes effect at once: the site serves nothing now. All places have it within two minutes.'
    : 'It takes effect two minutes after you publish, in all places at the same moment. Offers made before stay good until they expire.'
}
