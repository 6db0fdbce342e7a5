/** The operator's API as the console calls it: in the name of a session, without a token on the way. */
import { WorkerEntrypoint } from 'cloudflare:workers'
import type { ConsoleAnswer, ConsoleOrder, EdgeWorker, SessionView } from '../people/console-call.ts'
import { PEOPLE } from '../people/people.ts'
import { ownerOf, type Principal } from '../people/principal.ts'
import { MINUTE_MS } from '../platform/time.ts'
import type { Bindings } from './bindings.ts'
import { operatorOf } from './operator.ts'

/**
 * The entrypoint that wrangler.console.toml binds. The session decides who acts: the console cannot state another principal.
 * A session that has ended is answered 401.
 */
export class OperatorApi extends WorkerEntrypoint<Bindings> implements EdgeWorker {
  /**
   * Opens a session for the operator's token and returns its secret id; null if it is another token. Both outcomes are in the audit log, the second one within
   * {@link MAX_DENIALS}.
   */
  async signIn({ token }: { token: string }, { agent }: { agent: string }): Promise<string | null> {
    const { hasToken } = await import('../operator/token.ts')
    const { tokenSha256, audit } = operatorOf(this.env)
    const isOwner = await hasToken(`Bearer ${token}`, tokenSha256)
    const who = isOwner ? ownerOf(tokenSha256) : null
    const what = isOwner ? 'session.open' : 'session.denied'
    const subject = who?.id ?? 'unknown'
    if (isOwner || mayNoteDenial(Date.now()))
      await audit?.note({
        who: subject,
        what,
        subject,
        before: null,
        after: JSON.stringify({ client: agent }),
      })
    return (who && (await this.#people()?.open(who, agent))) ?? null
  }

  /** Ends a session. */
  async signOut(session: string): Promise<void> {
    await this.#people()?.close(session)
  }

  /** The principal of a session; null if it has ended. A session ends with the token that opened it. */
  async whoIs(session: string): Promise<Principal | null> {
    const who = await this.#people()?.of(session)
    return who && who.id === ownerOf(operatorOf(this.env).tokenSha256).id ? who : null
  }

  /** The open sessions that a principal may see: the owner all, others their own. None if the session has ended. */
  async sessions(session: string): Promise<SessionView[]> {
    const who = await this.whoIs(session)
    return (who && (await this.#people()?.list(session, reachOf(who)))) ?? []
  }

  /** Ends a session of {@link sessions}. Returns whether there was one. The act is in the audit log. */
  async endSession(session: string, id: string): Promise<boolean> {
    const who = await this.whoIs(session)
    const isEnded = (who && (await this.#people()?.revoke(id, reachOf(who)))) ?? false
    const act = { what: 'session.end', subject: id, before: null, after: null }
    if (who && isEnded) await operatorOf(this.env).audit?.note({ who: who.id, ...act })
    return isEnded
  }

  /** Answers a request in the name of a session. */
  async ask(session: string, order: ConsoleOrder): Promise<ConsoleAnswer> {
    const who = await this.whoIs(session)
    const { problem } = await import('../operator/response.ts')
    const answer = who ? await this.#answer(who, order) : problem('unauthorized')
    return {
      status: answer.status,
      type: answer.headers.get('content-type') ?? '',
      text: await answer.text(),
    }
  }

  async #answer(
    who: Principal,
    { method = 'GET', path, body, revision, key }: ConsoleOrder,
  ): Promise<Response> {
    const [{ routesFor }, { failed, notFound }] = await Promise.all([
      import('../operator/api.ts'),
      import('../operator/response.ts'),
    ])
    const api = routesFor(operatorOf(this.env), who, Date.now).onError(failed).notFound(notFound)
    const headers = new Headers(body === undefined ? {} : { 'content-type': 'application/json' })
    if (revision !== undefined) headers.set('if-match', `"${revision}"`)
    if (key !== undefined) headers.set('idempotency-key', key)
    const init = { method, headers, ...(body !== undefined && { body }) }
    return api.request(new Request(`https://console.internal${path}`, init))
  }

  #people() {
    return this.env.PEOPLE?.getByName(PEOPLE)
  }
}

/** The principal whose sessions are reached; null reaches all. */
function reachOf({ id, role }: Principal): string | null {
  return role === 'owner' ? null : id
}

/**
 * The most denials that an isolate notes in a minute. Threat: strangers can send any number of tokens, and a row of the audit
 * log is never removed. Further ones get the same answer and leave no row.
 */
export const MAX_DENIALS = 10
let denials = { since: 0, count: 0 }

function mayNoteDenial(now: number): boolean {
  if (now - denials.since >= MINUTE_MS) denials = { since: now, count: 0 }
  return ++denials.count <= MAX_DENIALS
}
