/** The edge Worker as the console calls it: its operator's API, in the name of one session. */

import type { ConsoleAnswer, ConsoleOrder, EdgeWorker } from '../people/console-call.ts'
import type { Principal } from '../people/principal.ts'
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

/** The API in the name of a session, and whether it asked for a proof of who has it. */
export type SessionApi = { ask: Ask; isProofAsked: () => boolean }

/** Answers that were asked for ahead, by their path. Each is given once. */
export type Known = Map<string, ConsoleAnswer>

/** The principal of a session, and in the same call the answers to what its page asks in any case. Null if it has ended. */
export async function enter(
  edge: EdgeWorker,
  session: string,
  ahead: readonly string[],
): Promise<{ who: Principal | null; known: Known }> {
  const alone = async () => ({ who: await edge.whoIs(session), answers: [] as ConsoleAnswer[] })
  const orders = ahead.map((path) => ({ path }))
  const { who, answers } =
    ahead.length > 0 ? await orOld(() => edge.askAll(session, orders), alone) : await alone()
  const known = ahead.flatMap((path, at) => (answers[at] ? [[path, answers[at]] as const] : []))
  return { who, known: new Map(known) }
}

/**
 * Makes the {@link Ask} of a session. Requests of one moment go in one call, with one look at the session. `now` in Unix
 * milliseconds.
 */
export function askAs(
  edge: EdgeWorker,
  session: string,
  now: () => number,
  known: Known = new Map(),
): SessionApi {
  let waiting: ConsoleOrder[] = []
  let sent: Promise<readonly ConsoleAnswer[]> | null = null
  let isProofAsked = false
  const queue = async (order: ConsoleOrder): Promise<ConsoleAnswer> => {
    const early = order.method === undefined && known.get(order.path)
    if (early) {
      known.delete(order.path)
      return early
    }
    const at = waiting.push(order) - 1
    sent ??= Promise.resolve().then(() => {
      const orders = waiting
      waiting = []
      sent = null
      return answersOf(edge, session, orders)
    })
    const answer = (await sent)[at]
    if (!answer) throw new Error('each order must have an answer')
    return answer
  }
  const ask: Ask = async <Value>(
    path: string,
    order: Omit<ConsoleOrder, 'path'> = {},
  ): Promise<Reply<Value>> => {
    try {
      const { status, text } = await queue({ ...order, path })
      if (status >= 200 && status < 300) return { ok: true, value: JSON.parse(text) as Value, at: now() }
      const problem = readProblem(text)
      if (problem.code === 'proof_required') isProofAsked = true
      return { ok: false, status, problem }
    } catch (fault) {
      log('edge_unanswered', { fault })
      return { ok: false, status: 503, problem: SILENT }
    }
  }
  return { ask, isProofAsked: () => isProofAsked }
}

async function answersOf(
  edge: EdgeWorker,
  session: string,
  orders: ConsoleOrder[],
): Promise<readonly ConsoleAnswer[]> {
  const all = await orOld(
    () => edge.askAll(session, orders),
    async () => ({ answers: await Promise.all(orders.map((order) => edge.ask(session, order))) }),
  )
  return all.answers
}

/** Calls what an edge Worker of this version has, or in its place what one that is a version behind has. */
export async function orOld<Value, Old>(
  call: () => Promise<Value>,
  old: () => Promise<Old>,
): Promise<Value | Old> {
  try {
    return await call()
  } catch (fault) {
    // The runtime's words. Nothing was done then: the call did not reach any code.
    if (fault instanceof TypeError && /does not implement/.test(fault.message)) return old()
    throw fault
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
