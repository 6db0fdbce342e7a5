/** The edge Worker as the console calls it: its operator's API, in the name of one session. */

import type { ConsoleOrder, EdgeWorker } from '../people/console-call.ts'
import { log } from '../platform/log.ts'
import type { Problem } from './answers.ts'

/** The value, or the problem that the API stated. */
export type Reply<Value> =
  | { ok: true; value: Value; at: number }
  | { ok: false; status: number; problem: Problem }

/** Asks the API in the name of a session. Never rejects: an edge Worker that does not answer is status 503. */
export type Ask = <Value>(path: string, order?: Omit<ConsoleOrder, 'path'>) => Promise<Reply<Value>>

const SILENT: Problem = {
  title: 'The edge Worker does not answer',
  detail: 'The outcome is unknown. Wait a moment, then look before you send the same again.',
  code: 'unavailable',
}

/** Makes the {@link Ask} of a session. `now` in Unix milliseconds. */
export function askAs(edge: EdgeWorker, session: string, now: () => number): Ask {
  return async <Value>(path: string, order: Omit<ConsoleOrder, 'path'> = {}): Promise<Reply<Value>> => {
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
