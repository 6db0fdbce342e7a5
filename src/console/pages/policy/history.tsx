/** The versions of a policy: what each changed, by whom and why, and the way back to one. */
import type { Context } from 'hono'
import type { Problem, SiteVersionBody as SiteVersion } from '../../answers.ts'
import { queryOf, type ReadRows } from '../../list.ts'
import { Badge } from '../../parts/badges.tsx'
import { Diff } from '../../parts/diff.tsx'
import { Time } from '../../parts/figures.tsx'
import { ActForm, Field, type Typed, typedIn } from '../../parts/form.tsx'
import { List, type ListPart, listFile } from '../../parts/list.tsx'
import { Actor } from '../../parts/names.tsx'
import { PageSection, Trouble } from '../../parts/page.tsx'
import { type ConsoleEnv, type PageHandler, show, trouble, urlOf } from '../../shell.tsx'
import { ModeBadge } from '../sites/list.tsx'
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
  if (editing instanceof Response) return editing
  const { id } = editing.site
  const query = queryOf(urlOf(c), [], LATEST_FIRST)
  const file = await listFile(c, 'History', { ...specOf(editing), query, read: readVersions(id) })
  return file ?? page(c, editing, { typed: {} })
}

/** The one order that there is: each version has its whole document, so thousands are not sorted here. */
const LATEST_FIRST = '-version'

function readVersions(id: string, limit = LIMIT): ReadRows<SiteVersion> {
  return async (ask, query) => {
    const before = query.get('after')
    const asked = await ask<{ versions: SiteVersion[]; next: number | null }>(
      `/sites/${id}/versions?limit=${limit}${before === null ? '' : `&before=${encodeURIComponent(before)}`}`,
    )
    if (!asked.ok) return asked
    const { versions: rows, next } = asked.value
    return { ...asked, value: { rows, next: next === null ? null : String(next) } }
  }
}

/** The acts that make a version, as words behind its number. */
const ACTS: Readonly<Record<string, string>> = {
  publish: 'published',
  suspend: 'suspended',
  resume: 'resumed',
  revert: 'reverted',
  remove: 'removed',
}

function specOf({ site: { id }, at, isEditor, nameOf }: Editing): ListPart<SiteVersion> {
  return {
    caption: 'Versions, the latest first',
    filters: [],
    sort: LATEST_FIRST,
    empty: {
      what: 'No version yet.',
      next: isEditor && <a href={`/policy/${id}/publish`}>Publish the draft</a>,
    },
    columns: [
      {
        title: 'Version',
        key: 'version',
        value: ({ version }) => version,
        cell: ({ version, act }) => (
          <a
            id={`version-${version}`}
            href={`/policy/${id}/history?version=${version}`}
          >{`${version}, ${ACTS[act] ?? act}`}</a>
        ),
      },
      { title: 'Act', key: 'act', isFileOnly: true, value: ({ act }) => act, cell: () => '' },
      {
        title: 'In effect',
        key: 'effective_at',
        value: ({ effectiveAt }) => new Date(effectiveAt).toISOString(),
        cell: (row) => <Effect of={row} at={at} />,
      },
      {
        title: 'By',
        key: 'by',
        value: ({ who }) => who,
        cell: ({ who }) => <Actor of={who} nameOf={nameOf} />,
      },
      { title: 'Note', key: 'note', kind: 'full', value: ({ note }) => note, cell: ({ note }) => note },
      {
        title: 'Mode',
        key: 'mode',
        kind: 'lead',
        value: ({ document }) => document.mode,
        cell: ({ document }) => <ModeBadge mode={document.mode} />,
      },
    ],
  }
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
  const { ask, who } = c.get('desk')
  const query = queryOf(url, [], LATEST_FIRST)
  const [listed, pair] = await Promise.all([
    readVersions(id)(ask, query),
    number === null ? null : readVersions(id, 2)(ask, new URLSearchParams({ after: String(number + 1) })),
  ])
  if (!listed.ok) return trouble(c, 'History', listed)
  const [one, earlier] = pair?.ok ? pair.value.rows : []
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
        <List spec={specOf(editing)} query={query} page={listed.value} who={who} />
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
          <Actor of={who} nameOf={editing.nameOf} />, <Time at={at} />
        </>
      }
    >
      {note && <p class="gap">{note}</p>}
      <Diff before={documentText(earlier?.document)} after={documentText(document)} />
      {!isLast && editing.isEditor && (
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
