/** Suspending and resuming a site: what it does, how fast, and the act itself. */
import type { Context } from 'hono'
import type { Problem, SiteBody as Site } from '../../answers.ts'
import { Field, type Typed, typedIn } from '../../parts/form.tsx'
import { Head, PageSection, Trouble } from '../../parts/page.tsx'
import { type ConsoleEnv, type PageHandler, show, trouble, unsent } from '../../shell.tsx'
import { ModeBadge } from './list.tsx'

/** The page that asks before a site is suspended or resumed. */
export const showSuspend: PageHandler = async (c) => {
  const asked = await c.get('desk').ask<Site>(pathOf(c))
  return asked.ok ? page(c, asked.value, {}) : trouble(c, 'Site', asked)
}

/** Suspends or resumes: `act` of the form. */
export const suspend: PageHandler = async (c) => {
  const typed = typedIn(await c.req.parseBody())
  const { ask } = c.get('desk')
  const known = await ask<Site>(pathOf(c))
  if (!known.ok) return known.status === 503 ? unsent(c, typed) : trouble(c, 'Site', known)
  const note = typed.note?.trim()
  const act = typed.act === 'resume' ? 'resume' : 'suspend'
  const body = JSON.stringify(note ? { note } : {})
  const asked = await ask<{ version: number }>(`${pathOf(c)}/${act}`, {
    method: 'POST',
    body,
    revision: Number(typed.revision) || 0,
  })
  if (asked.ok) return c.redirect(`/policy/${known.value.id}/history#version-${asked.value.version}`, 303)
  const { status, problem } = asked
  const crossed = problem.code === 'stale' ? CROSSED : problem
  return page(c, known.value, typed, crossed, status === 409 || problem.code === 'stale' ? 409 : 503)
}

const CROSSED: Problem = {
  code: 'stale',
  title: 'Somebody else has changed this site meanwhile',
  detail: 'Its state below is the new one. Nothing of yours was done.',
}

function pathOf(c: Context): string {
  return `/sites/${encodeURIComponent(c.req.param('id') ?? '')}`
}

function page(
  c: Context<ConsoleEnv>,
  { id, mode, revision, hosts, published }: Site,
  typed: Typed,
  problem?: Problem,
  status: 200 | 409 | 503 = 200,
) {
  const isSuspended = published?.document.mode === 'suspended'
  const names = hosts.map(({ host }) => host).join(', ')
  const title = isSuspended ? `Resume ${id}` : `Suspend ${id}`
  return show(
    c,
    title,
    <>
      <Head title={title} above={{ href: `/sites/${id}`, title: id }} meta={<ModeBadge mode={mode} />} />
      {problem && <Trouble problem={problem} />}
      <PageSection title="What it does" id="does">
        {isSuspended ? (
          <ul class="gap">
            <li>{`${names}: the version before the suspension serves again.`}</li>
            <li>It takes effect at once here, and within two minutes everywhere.</li>
          </ul>
        ) : (
          <ul class="gap">
            <li>{`${names}: people and crawlers alike get 503, and the origin is not asked.`}</li>
            <li>It takes effect at once here, and within two minutes everywhere.</li>
            <li>
              Crawlers still owe what they were charged, and runs collect it. No payment is accepted
              meanwhile.
            </li>
            <li>To stop charging and still serve, publish it in shadow mode instead.</li>
          </ul>
        )}
        <form class="form gap" method="post" action={`/sites/${id}/suspend`}>
          <input type="hidden" name="form" value={c.get('desk').formToken} />
          <input type="hidden" name="revision" value={String(revision)} />
          <input type="hidden" name="act" value={isSuspended ? 'resume' : 'suspend'} />
          <Field name="note" label="Reason" hint="The history and the audit log keep it" typed={typed} />
          <div class="row">
            <button class="btn go" type="submit">
              {title}
            </button>
            <a class="btn" href={isSuspended ? `/sites/${id}` : `/policy/${id}/publish`}>
              {isSuspended ? 'Back' : 'Use shadow mode instead'}
            </a>
          </div>
        </form>
      </PageSection>
    </>,
    status,
  )
}
