/** The edge Worker as the console calls it: its operator's API, in the name of one session. */
import { log } from '../platform/log.ts'
import type { Problem } from './answers.ts'

/** A request to the operator's API. `path` begins below `/_tab402/api`, with its query. */
export type Order = {
  method?: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE'
  path: string
  body?: string
  /** The revision that the page was made from: the API refuses the change if somebody else has made one since. */
  revision?: number
}

/** The answer of the API. `text` is the body as it was sent. */
export type Answer = { status: number; type: string; text: string }

/** Who is signed in. `publisher`: the one whose sites alone this principal sees, or null. */
export type SignedIn = { id: string; name: string; role: string; publisher: string | null }

/** The start of a session. The id is a secret: it goes into the cookie and nowhere else. */
export type Opened = { session: string; seconds: number }

/** The named entrypoint of the edge Worker. A session that has ended is answered as status 401. */
export type Edge = {
  signIn(credential: { token: string }, client: { agent: string }): Promise<Opened | null>
  signOut(session: string): Promise<void>
  whoIs(session: string): Promise<SignedIn | null>
  ask(session: string, order: Order): Promise<Answer>
}

/** What a page gets: the value, or the problem that the API stated. `gone`: the edge Worker did not answer. */
export type Asked<Value> =
  | { ok: true; value: Value; at: number }
  | { ok: false; status: number; problem: Problem }

/** Asks the API in the name of a session. Never rejects: an edge Worker that does not answer is status 503. */
export type Ask = <Value>(path: string, order?: Omit<Order, 'path'>) => Promise<Asked<Value>>

const SILENT: Problem = {
  title: 'The edge Worker does not answer',
  detail: 'The outcome is unknown. Wait a moment, then look before you send the same again.',
  code: 'unavailable',
}

/** Makes the {@link Ask} of a session. `now` in Unix milliseconds. */
export function askAs(edge: Edge, session: string, now: () => number): Ask {
  return async <Value>(path: string, order: Omit<Order, 'path'> = {}): Promise<Asked<Value>> => {
    try {
      const { status, text } = await edge.ask(session, { ...order, path })
      if (status >= 200 && status < 300) return { ok: true, value: JSON.parse(text) as Value, at: now() }
      return { ok: false, status, problem: readProblem(text) }
    } catch (fault) {
      log('edge_unanswered', { fault })
      return { ok: false, status: 503, problem: SILENT }
    }
  }
}

function readProblem(text: string): Problem {
  try {
    return JSON.parse(text) as Problem
  } catch (cause) {
    if (cause instanceof SyntaxError) return SILENT
    throw cause
  }
}
