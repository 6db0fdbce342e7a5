/** How a page is answered: by a session, with what the API says, as a document. */
import type { Context } from 'hono'
import type { Child } from 'hono/jsx'
import type { EdgeWorker } from '../people/console-call.ts'
import { may, type Principal, type Right } from '../people/principal.ts'
import { sha256Hex } from '../platform/digest.ts'
import type { Problem } from './answers.ts'
import { askAs, enter, type Reply, type SessionApi } from './edge.ts'
import { Bare, Frame } from './frame.tsx'
import { formTokenOf } from './guard.ts'
import { Kept, type Typed } from './parts/form.tsx'
import { Trouble } from './parts/page.tsx'
import { RIGHT_NAMES } from './parts/rights.ts'

/** The bindings of wrangler.console.toml. `SAMPLE_BEFORE`: set by the local stack where it has put sample figures into D1. */
export type ConsoleEnv = {
  Bindings: {
    EDGE: EdgeWorker
    ASSETS: Fetcher
    SAMPLE_BEFORE?: string
  }
  Variables: { desk: Desk }
}

/** The context of a page: the principal that asks for it, and the API in its name. */
export type Desk = SessionApi & { session: string; who: Principal; formToken: string }

/** A page of the console, or the answer to one of its forms. */
export type PageHandler = (c: Context<ConsoleEnv>) => Promise<Response>

/**
 * The routes of one page and its forms. GET never writes. `right`: the page is for those alone who have it. `ahead`: what `get`
 * asks the API in any case, which then comes with the principal, in one call. `now` in Unix milliseconds.
 */
export type Routes = {
  path: string
  right?: Right
  ahead?: (now: number) => readonly string[]
  get?: PageHandler
  post?: PageHandler
}[]

/**
 * Opens the desk of a session; null if the session has ended. `ahead`: paths that are asked in the same call.
 * @throws if the edge Worker does not answer
 */
export async function openDesk(
  edge: EdgeWorker,
  session: string,
  ahead: readonly string[] = [],
): Promise<Desk | null> {
  const [{ who, known }, formToken] = await Promise.all([enter(edge, session, ahead), formTokenOf(session)])
  return who && { session, who, formToken, ...askAs(edge, session, Date.now, known) }
}

/** The parts that change with each rendering, and mean nothing: the time of the page itself, and the keys of its forms. */
const VOLATILE = /<time data-asof[^>]*>[^<]*<\/time>|name="key" value="[^"]*"/g

/** Answers with a page; with 304 where the browser has it already, but for the time that it states. */
export async function show(
  c: Context<ConsoleEnv>,
  title: string,
  content: Child,
  status: 200 | 201 | 400 | 403 | 404 | 409 | 503 = 200,
): Promise<Response> {
  const { who, formToken } = c.get('desk')
  const { pathname, href } = urlOf(c)
  const page = (
    <Frame
      title={title}
      path={pathname}
      url={href}
      who={who}
      formToken={formToken}
      sampleBefore={c.env.SAMPLE_BEFORE}
    >
      {content}
    </Frame>
  )
  const html = `<!doctype html>${page}`
  if (status !== 200) return c.html(html, status)
  const etag = `W/"${(await sha256Hex(html.replace(VOLATILE, ''))).slice(0, 32)}"`
  if (c.req.header('if-none-match') === etag) return new Response(null, { status: 304, headers: { etag } })
  return c.html(html, status, { etag })
}

/** Answers with the problem that the API stated. An unknown id is 404 here too; all that a page did not expect is 503. */
export function trouble(
  c: Context<ConsoleEnv>,
  title: string,
  { status, problem }: Extract<Reply<never>, { ok: false }>,
) {
  const known = ([400, 403, 404] as const).find((one) => one === status)
  return show(c, title, <Trouble problem={problem} />, known ?? 503)
}

/** Answers a form that could not be sent on, as nothing of it has happened: with all that was typed, to send it again. */
export function unsent(c: Context, typed: Typed): Response {
  const { pathname } = new URL(c.req.url)
  const page = (
    <Bare title="Not sent">
      <Kept action={pathname} typed={typed} />
    </Bare>
  )
  return c.html(`<!doctype html>${page}`, 503) as Response
}

/** A page for those who have a right. Others get 403, with the right that it needs. */
export function onlyWith(right: Right | undefined, page: PageHandler): PageHandler {
  return async (c) =>
    right === undefined || may(c.get('desk').who, right)
      ? page(c)
      : trouble(c, 'Not allowed', { ok: false, status: 403, problem: withoutRight(right) })
}

function withoutRight(right: Right): Problem {
  const detail = `This page needs the right to ${RIGHT_NAMES[right]}. The owner gives rights by a role.`
  return { title: 'Not allowed', detail, code: 'forbidden' }
}

/** The URL of the page as it was asked. */
export function urlOf(c: Context): URL {
  return new URL(c.req.url)
}

/** Answers with one sentence, for those who are not signed in. */
export function message(c: Context, status: 403 | 404 | 413 | 503, text: string): Response {
  const page = (
    <Bare title={String(status)}>
      <h1>{text}</h1>
      <p>
        <a href="/">Home</a>
      </p>
    </Bare>
  )
  return c.html(`<!doctype html>${page}`, status) as Response
}
