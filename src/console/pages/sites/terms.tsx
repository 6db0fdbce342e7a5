/** The editor of a site's terms: its rules with their order, and all of it as text. */
import type { Context } from 'hono'
import type {
  Problem,
  SiteBody as Site,
  SiteDocumentBody as SiteDocument,
  TermsBody as Terms,
} from '../../answers.ts'
import { ActForm, type Typed, typedIn } from '../../parts/form.tsx'
import { Head, PageSection, Trouble } from '../../parts/page.tsx'
import { Table } from '../../parts/table.tsx'
import { type ConsoleEnv, type PageHandler, show, trouble } from '../../shell.tsx'
import { jsonOf } from './site.tsx'

type Rule = Record<string, unknown>
type Editing = { site: Site; document: SiteDocument; text: string; problem?: Problem | undefined }

async function open(c: Context<ConsoleEnv>): Promise<Editing | Response> {
  const id = encodeURIComponent(c.req.param('id') ?? '')
  const asked = await c.get('desk').ask<Site>(`/sites/${id}`)
  if (!asked.ok) return trouble(c, 'Terms', asked)
  const site = asked.value
  const document = (site.draft ?? site.published)?.document
  if (!document) return show(c, 'Terms', <p>The site has no document.</p>, 404)
  return { site, document, text: jsonOf(document.terms) }
}

/** The editor. */
export const editTerms: PageHandler = async (c) => {
  const editing = await open(c)
  return editing instanceof Response ? editing : edit(c, editing)
}

function edit(c: Context<ConsoleEnv>, { site, document, text, problem }: Editing) {
  const { id, revision } = site
  const { formToken } = c.get('desk')
  return show(
    c,
    `Terms of ${id}`,
    <>
      <Head title={`Terms of ${id}`} above={{ href: `/sites/${id}`, title: id }}>
        <a class="btn" href={`/policy?url=${encodeURIComponent(`https://${document.hosts[0]}/`)}&site=${id}`}>
          Try it
        </a>
      </Head>
      {problem && <Trouble problem={problem} />}
      <PageSection title="Rules" id="rules" note="The first rule that covers a request decides.">
        <Table
          caption="Rules in their order"
          rows={[...rulesOf(document.terms).entries()]}
          empty={{ what: 'No rule. Every crawler pays PRICE, and PRESET says who passes free.' }}
          columns={[
            { title: 'Rule', cell: ([at, { action }]) => `${at + 1} ${action}` },
            {
              title: 'Covers',
              kind: 'full',
              cell: ([, { action: _, ...rest }]) => <code>{JSON.stringify(rest)}</code>,
            },
            {
              title: 'Order',
              kind: 'acts',
              isHidden: true,
              cell: ([at]) => (
                <form class="row" method="post" action={`/sites/${id}/rules`}>
                  <input type="hidden" name="form" value={formToken} />
                  <input type="hidden" name="revision" value={String(revision)} />
                  <input type="hidden" name="at" value={String(at)} />
                  <button class="btn sm" name="act" value="up" type="submit" disabled={at === 0}>
                    <span aria-hidden="true">↑</span>
                    <span class="hide">{`Rule ${at + 1} up`}</span>
                  </button>
                  <button class="btn sm" name="act" value="down" type="submit">
                    <span aria-hidden="true">↓</span>
                    <span class="hide">{`Rule ${at + 1} down`}</span>
                  </button>
                  <button class="btn sm" name="act" value="remove" type="submit">
                    Remove<span class="hide">{` rule ${at + 1}`}</span>
                  </button>
                </form>
              ),
            },
          ]}
        />
      </PageSection>
      <PageSection title="All terms" id="text" note="The vars of docs/policy.md, as JSON">
        <ActForm action={`/sites/${id}/terms`} formToken={formToken} title="Save as a draft" isMain>
          <input type="hidden" name="revision" value={String(revision)} />
          <label for="terms" class="hide">
            Terms
          </label>
          <textarea id="terms" name="terms" rows={24} spellcheck={false}>
            {text}
          </textarea>
        </ActForm>
      </PageSection>
    </>,
    problem ? (problem.code === 'stale' ? 409 : 400) : 200,
  )
}

function rulesOf({ RULES }: Terms): Rule[] {
  return Array.isArray(RULES) ? (RULES as Rule[]) : []
}

/** Saves the text as a draft. What was typed stays on the page if the API refuses it. */
export const saveTerms: PageHandler = async (c) => {
  const editing = await open(c)
  if (editing instanceof Response) return editing
  const typed = typedIn(await c.req.parseBody())
  const { terms: text = '' } = typed
  const terms = read(text)
  if (!terms) return edit(c, { ...editing, text, problem: NOT_JSON })
  const problem = await save(c, editing, terms, typed)
  if (!problem) return c.redirect(`/sites/${editing.site.id}#draft`, 303)
  return edit(c, { ...editing, text, problem })
}

/** Moves or removes one rule of the draft. */
export const moveRule: PageHandler = async (c) => {
  const editing = await open(c)
  if (editing instanceof Response) return editing
  const typed = typedIn(await c.req.parseBody())
  const { terms } = editing.document
  const rules = reordered(rulesOf(terms), Number(typed.at), typed.act)
  const problem = await save(c, editing, { ...terms, RULES: rules }, typed)
  return problem ? edit(c, { ...editing, problem }) : c.redirect(`/sites/${editing.site.id}/terms`, 303)
}

/** The rules after one was reordered `up` or `down`, or was removed. */
export function reordered(rules: readonly Rule[], at: number, act: string | undefined): Rule[] {
  const rule = rules[at]
  if (!rule) return [...rules]
  const rest = rules.toSpliced(at, 1)
  if (act === 'up') return rest.toSpliced(at === 0 ? 0 : at - 1, 0, rule)
  return act === 'down' ? rest.toSpliced(at + 1, 0, rule) : rest
}

async function save(c: Context<ConsoleEnv>, { site, document }: Editing, terms: Terms, { revision }: Typed) {
  const seen = Number(revision)
  const order = {
    method: 'PUT',
    body: JSON.stringify({ ...document, terms }),
    revision: Number.isSafeInteger(seen) ? seen : site.revision,
  } as const
  const asked = await c.get('desk').ask<Site>(`/sites/${encodeURIComponent(site.id)}`, order)
  return asked.ok ? undefined : asked.problem
}

const NOT_JSON: Problem = {
  code: 'not_json',
  title: 'The terms must be a JSON object',
  detail: 'Check quotes, commas and braces. Nothing was saved, and your text is still here.',
}

function read(text: string): Terms | undefined {
  try {
    const terms: unknown = JSON.parse(text)
    return typeof terms === 'object' && terms !== null && !Array.isArray(terms) ? (terms as Terms) : undefined
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined
    throw cause
  }
}
