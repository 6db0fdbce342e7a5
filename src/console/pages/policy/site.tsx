/** The parts that all views of one site's policy share: the site, the head with its views, and the notice of a crossing change. */
import type { Context } from 'hono'
import type { Child } from 'hono/jsx'
import { may } from '../../../people/principal.ts'
import type { Problem, SiteBody as Site, SiteDocumentBody as SiteDocument } from '../../answers.ts'
import { Badge } from '../../parts/badges.tsx'
import { Diff } from '../../parts/diff.tsx'
import { Time } from '../../parts/figures.tsx'
import type { Typed } from '../../parts/form.tsx'
import { Actor, type NameOf, namesFor } from '../../parts/names.tsx'
import { Head } from '../../parts/page.tsx'
import { type ConsoleEnv, show, trouble, unsent } from '../../shell.tsx'
import { ModeBadge } from '../sites/list.tsx'
import { rulesOf } from './edits.ts'

/** A site whose policy is edited: its draft, or what is published where it has none. `isEditor`: the principal may change it. */
export type Editing = { site: Site; document: SiteDocument; at: number; isEditor: boolean; nameOf: NameOf }

/** Reads the site of the path, or answers instead. The text of a form stays on the page while the edge Worker is silent. */
export async function openSite(c: Context<ConsoleEnv>, typed?: Typed): Promise<Editing | Response> {
  const id = encodeURIComponent(c.req.param('site') ?? '')
  const desk = c.get('desk')
  const [asked, nameOf] = await Promise.all([desk.ask<Site>(`/sites/${id}`), namesFor(desk)])
  if (!asked.ok) return typed && asked.status === 503 ? unsent(c, typed) : trouble(c, 'Policy', asked)
  const site = asked.value
  const document = (site.draft ?? site.published)?.document
  if (!document) return show(c, 'Policy', <p>The site was removed with its document.</p>, 404)
  return { site, document, at: asked.at, isEditor: may(desk.who, 'policy.write'), nameOf }
}

/** The text of a document, as the command line reads it too. Lists of words stay in one line. */
export function documentText(document: object | undefined): string {
  if (!document) return ''
  const list = /\[\n\s+((?:"(?:[^"\\]|\\.)*"|[\w.-]+)(?:,\n\s+(?:"(?:[^"\\]|\\.)*"|[\w.-]+))*)\n\s+\]/g
  return JSON.stringify(document, null, 2).replace(
    list,
    (_, items: string) => `[${items.replace(/,\n\s+/g, ', ')}]`,
  )
}

const VIEWS = [
  ['', 'Rules'],
  ['/text', 'Text'],
  ['/try', 'Try it'],
  ['/results', 'Results'],
  ['/history', 'History'],
] as const

/** The head of a view. */
export function PolicyHead({ of: { site, at, isEditor, nameOf }, view }: { of: Editing; view: string }) {
  const { id, draft, published, mode } = site
  const base = `/policy/${id}`
  return (
    <>
      <Head
        title={`Policy of ${id}`}
        above={{ href: `/sites/${id}`, title: id }}
        meta={
          <>
            <ModeBadge mode={mode} />
            {published && (
              <span>
                {`Version ${published.version}, ${published.effectiveAt > at ? 'in effect from' : 'since'} `}
                <Time at={published.effectiveAt} />
              </span>
            )}
            {draft ? (
              <span>
                <Badge mood="warn">Draft</Badge>
                {' saved by '}
                <Actor of={draft.who} nameOf={nameOf} />
                {', '}
                <Time at={draft.at} />
              </span>
            ) : (
              <span>No draft</span>
            )}
          </>
        }
      >
        {view !== '/publish' && isEditor && (
          <a class="btn go" href={`${base}/publish`}>
            Review and publish
          </a>
        )}
      </Head>
      <nav class="row" aria-label="Views of the policy">
        {VIEWS.map(([path, title]) => (
          <a class="btn" href={base + path} aria-current={path === view ? 'page' : undefined}>
            {title}
          </a>
        ))}
      </nav>
    </>
  )
}

/** A longer document is not sent along with a form: a page stays below 60 kB, and a crossing change is named without a diff. */
const MAX_BASE_CHARS = 20_000

/** The version that a form is based on: the API refuses it if somebody else has changed the site since, and the page shows how. */
export function BasedOn({ of: { site, document } }: { of: Editing }) {
  const base = JSON.stringify(document)
  return (
    <>
      <input type="hidden" name="revision" value={String(site.revision)} />
      {base.length <= MAX_BASE_CHARS && <input type="hidden" name="base" value={base} />}
    </>
  )
}

/** The revision that a form was made from. One without it changes nothing. */
export function revisionIn({ revision = '' }: Typed): number {
  return /^\d{1,15}$/.test(revision) ? Number(revision) : 0
}

/** Whether a problem says that somebody else has changed the site meanwhile. */
export function hasCrossed(problem: Problem | undefined): boolean {
  return problem?.code === 'stale'
}

type CrossedProps = { by: Editing; typed: Typed; children?: Child }

/** Says who has changed the site since the form was made, and how. `children`: what becomes of what was typed. */
export function Crossed({ by: { site, document, nameOf }, typed, children }: CrossedProps) {
  const { draft, published } = site
  const base = documentIn(typed.base)
  return (
    <div class="box" role="alert">
      <p>
        <strong>
          Somebody else has changed this policy since you opened it. Nothing of yours was saved.
        </strong>
      </p>
      <p>
        {draft
          ? `${nameOf(draft.who)} saved a draft, `
          : published && `${nameOf(published.who)} published version ${published.version}, `}
        <Time at={draft?.at ?? published?.at ?? null} />
        {!draft && published?.note && `: “${published.note}”`}
      </p>
      {base && <Diff before={documentText(base)} after={documentText(document)} />}
      {children && <p>{children}</p>}
    </div>
  )
}

function documentIn(text = ''): SiteDocument | undefined {
  try {
    const base: unknown = JSON.parse(text)
    return typeof base === 'object' && base !== null ? (base as SiteDocument) : undefined
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined
    throw cause
  }
}

/** The place that the rule of a form has now: another one may have moved it. `new` where it is gone. */
export function placeNow({ base, at = 'new' }: Typed, document: SiteDocument): string {
  const before = documentIn(base)
  const rule = before?.terms && rulesOf(before)?.[Number(at)]
  const text = JSON.stringify(rule)
  const now = rule ? (rulesOf(document) ?? []).findIndex((one) => JSON.stringify(one) === text) : -1
  return now < 0 ? 'new' : String(now)
}
