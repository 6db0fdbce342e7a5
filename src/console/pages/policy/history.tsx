/** The versions of a policy: what each changed, by whom and why, and the way back to one. */
import type { Context } from 'hono'
import { may } from '../../../people/principal.ts'
import type { Problem, SiteVersionBody as SiteVersion } from '../../answers.ts'
import { Badge } from '../../parts/badges.tsx'
import { Diff } from '../../parts/diff.tsx'
import { Time } from '../../parts/figures.tsx'
import { ActForm, Field, type Typed, typedIn } from '../../parts/form.tsx'
import { PageSection, Trouble } from '../../parts/page.tsx'
import { More, Table } from '../../parts/table.tsx'
import { type ConsoleEnv, type PageHandler, show, trouble, urlOf } from '../../shell.tsx'
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

/** Versions of one page. */
const LIMIT = 25

/** The view of the history. `?version=` shows what that one changed, with the way back to it. */
export const showHistory: PageHandler = async (c) => {
  const editing = await openSite(c)
  return editing instanceof Response ? editing : page(c, editing, { typed: {} })
}

/** Publishes the document of an earlier version as the next one. */
export const revert: PageHandler = async (c) => {
  const typed = typedIn(await c.req.parseBody())
  const editing = await openSite(c, typed)
  if (editing instanceof Response) return editing
  const { id } = editing.site
  const note = typed.note?.trim()
  const body = { version: Number(typed.version), ...(note && { note }) }
  const order = { method: 'POST', body: JSON.stringify(body), revision: revisionIn(typed) } as const
  const asked = await c.get('desk').ask<{ version: number }>(`/sites/${id}/revert`, order)
  if (asked.ok) return c.redirect(`/policy/${id}/history#version-${asked.value.version}`, 303)
  const { status, problem } = asked
  if (hasCrossed(problem)) return page(c, editing, { typed, isCrossed: true, status: 409 })
  return page(c, editing, { typed, problem, status: status === 400 || status === 409 ? status : 503 })
}

type Shown = { typed: Typed; problem?: Problem; isCrossed?: boolean; status?: 200 | 400 | 409 | 503 }

async function page(
  c: Context<ConsoleEnv>,
  editing: Editing,
  { typed, problem, isCrossed, status = 200 }: Shown,
) {
  const { id } = editing.site
  const url = urlOf(c)
  const wanted = typed.version ?? url.searchParams.get('version') ?? ''
  const number = /^[1-9]\d{0,8}$/.test(wanted) ? Number(wanted) : null
  const { ask } = c.get('desk')
  const versions = (query: string) =>
    ask<{ versions: SiteVersion[]; next: number | null }>(`/sites/${id}/versions?${query}`)
  const before = url.searchParams.get('after')
  const [listed, pair] = await Promise.all([
    versions(`limit=${LIMIT}${before === null ? '' : `&before=${encodeURIComponent(before)}`}`),
    number === null ? null : versions(`limit=2&before=${number + 1}`),
  ])
  if (!listed.ok) return trouble(c, 'History', listed)
  const [one, earlier] = pair?.ok ? pair.value.versions : []
  return show(
    c,
    `History of ${id}`,
    <>
      <PolicyHead of={editing} view="/history" />
      {isCrossed && (
        <Crossed by={editing} typed={typed}>
          Nothing was reverted. Your note is kept.
        </Crossed>
      )}
      {problem && <Trouble problem={problem} />}
      {one && one.version === number && (
        <One c={c} editing={editing} of={one} earlier={earlier} typed={typed} />
      )}
      <PageSection title="Versions" id="versions" note="The latest first. Each is kept for ever">
        <Table
          caption="Versions, the latest first"
          rows={listed.value.versions}
          empty={{
            what: 'No version yet.',
            next: may(editing.who, 'policy.write') && <a href={`/policy/${id}/publish`}>Publish the draft</a>,
          }}
          columns={[
            {
              title: 'Version',
              cell: ({ version, act }) => (
                <a
                  id={`version-${version}`}
                  href={`/policy/${id}/history?version=${version}`}
                >{`${version}, ${act}`}</a>
              ),
            },
            { title: 'In effect', cell: (row) => <Effect of={row} at={editing.at} /> },
            { title: 'By', cell: ({ who }) => who },
            { title: 'Note', kind: 'full', cell: ({ note }) => note },
            { title: 'Mode', kind: 'lead', cell: ({ document }) => document.mode },
          ]}
        />
        <More url={url} next={listed.value.next} />
      </PageSection>
    </>,
    status,
  )
}

function Effect({ of: { effectiveAt }, at }: { of: SiteVersion; at: number }) {
  if (effectiveAt <= at) return <Time at={effectiveAt} />
  return (
    <>
      <Time at={effectiveAt} /> <Badge mood="warn">waits</Badge>
    </>
  )
}

type OneProps = {
  c: Context<ConsoleEnv>
  editing: Editing
  of: SiteVersion
  earlier: SiteVersion | undefined
  typed: Typed
}

function One({ c, editing, of: { version, document, who, at, note }, earlier, typed }: OneProps) {
  const { id, published } = editing.site
  const isLast = version === published?.version
  return (
    <PageSection
      title={`What version ${version} changed`}
      id="version"
      note={
        <>
          {who}, <Time at={at} />
        </>
      }
    >
      {note && <p class="gap">{note}</p>}
      <Diff before={documentText(earlier?.document)} after={documentText(document)} />
      {!isLast && may(editing.who, 'policy.write') && (
        <details class="gap" open={typed.version !== undefined}>
          <summary>{`Go back to version ${version}`}</summary>
          <p>{`It is published again as version ${(published?.version ?? 0) + 1}, and takes effect two minutes later. This is what changes then:`}</p>
          <Diff before={documentText(published?.document)} after={documentText(document)} />
          <ActForm
            action={`/policy/${id}/revert`}
            formToken={c.get('desk').formToken}
            title={`Go back to version ${version}`}
          >
            <BasedOn of={editing} />
            <input type="hidden" name="version" value={String(version)} />
            <Field name="note" label="Note for the record" typed={typed} />
          </ActForm>
        </details>
      )}
    </PageSection>
  )
}
