/** Acts: a change is sent under the key of its form, and ends on the page of its outcome. */
import type { Context } from 'hono'
import type { Problem } from './answers.ts'
import type { Reply } from './edge.ts'
import { type Typed, typedIn } from './parts/form.tsx'
import type { ConsoleEnv } from './shell.tsx'

/** A change of the API. `path` begins below `/_tab402/api`. */
export type ActChange = {
  method?: 'POST' | 'PATCH' | 'PUT' | 'DELETE'
  path: string
  body?: object
  revision?: number
}

/** The outcome of a change: the answer that leads to its page, or the problem for the form to show with what was typed. */
export type Acted = { answer: Response } | { problem: Problem; status: 400 | 404 | 409; typed: Typed }

/**
 * Carries out the change that a form asks for. `back`: the page that it leads back to. Sent twice, it happens once. Where the
 * outcome is unknown, the answer leads to a page without a button, which asks the edge Worker again.
 */
export async function carryOut(
  c: Context<ConsoleEnv>,
  back: string,
  changeOf: (typed: Typed) => ActChange,
): Promise<Acted> {
  const typed = typedIn(await c.req.parseBody())
  const { key = crypto.randomUUID() } = typed
  const { method = 'POST', path, body, revision } = changeOf(typed)
  const asked = await c.get('desk').ask(path, {
    ...{ method, key },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(revision !== undefined && { revision }),
  })
  if (asked.ok || isUnknown(asked)) {
    const query = new URLSearchParams({ to: back, at: String(Date.now()), ...(asked.ok && { is: 'done' }) })
    return { answer: c.redirect(`/acts/${encodeURIComponent(key)}?${query}`, 303) }
  }
  const status = asked.status === 404 || asked.status === 409 ? asked.status : 400
  return { problem: asked.problem, status, typed }
}

function isUnknown({ status, problem }: Extract<Reply<never>, { ok: false }>): boolean {
  return status >= 500 || problem.code === 'key_running'
}
