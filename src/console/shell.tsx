/** How a page is answered: by a session, with what the API says, as a document. */
import type { Context } from 'hono'
import type { Child } from 'hono/jsx'
import type { EdgeWorker } from '../people/console-call.ts'
import type { Principal } from '../people/principal.ts'
import { type Ask, askAs, type Reply } from './edge.ts'
import { Bare, Frame } from './frame.tsx'
import { formTokenOf } from './guard.ts'
import { Trouble } from './parts/page.tsx'

/** The bindings of wrangler.console.toml. */
export type ConsoleEnv = { Bindings: { EDGE: EdgeWorker; ASSETS: Fetcher }; Variables: { desk: Desk } }

/** What a page works with: who asks for it, and the API in that principal's name. */
export type Desk = { session: string; who: Principal; formToken: string; ask: Ask }

/** A page of the console, or the answer to one of its forms. */
export type PageHandler = (c: Context<ConsoleEnv>) => Promise<Response>

/** The routes of one page and its forms. GET never writes. */
export type Routes = { path: string; get?: PageHandler; post?: PageHandler }[]

/** Opens the desk of a session; null if the session has ended. @throws if the edge Worker does not answer */
export async function openDesk(edge: EdgeWorker, session: string): Promise<Desk | null> {
  const [who, formToken] = await Promise.all([edge.whoIs(session), formTokenOf(session)])
  return who && { session, who, formToken, ask: askAs(edge, session, Date.now) }
}

/** Answers with a page. */
export function show(
  c: Context<ConsoleEnv>,
  title: string,
  content: Child,
  status: 200 | 400 | 404 | 409 | 503 = 200,
) {
  const { who, formToken } = c.get('desk')
  const { pathname } = new URL(c.req.url)
  const page = (
    <Frame title={title} path={pathname} who={who} formToken={formToken}>
      {content}
    </Frame>
  )
  return c.html(`<!doctype html>${page}`, status)
}

/** Answers with the problem that the API stated. An unknown id is 404 here too; all that a page did not expect is 503. */
export function trouble(
  c: Context<ConsoleEnv>,
  title: string,
  { status, problem }: Extract<Reply<never>, { ok: false }>,
) {
  return show(c, title, <Trouble problem={problem} />, status === 400 || status === 404 ? status : 503)
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
