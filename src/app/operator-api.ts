/** The operator's API as the console calls it: in the name of a session, without a token on the way. */
import { WorkerEntrypoint } from 'cloudflare:workers'
import { readConfig } from '../config/config.ts'
import { CONSOLE_HOST } from '../operator/settings.ts'
import { hasToken } from '../operator/token.ts'
import type {
  Accepted,
  ConsoleAnswer,
  ConsoleAnswers,
  ConsoleOrder,
  Credential,
  Door,
  EdgeWorker,
  OpenInvitation,
  OwnPasskeys,
  PasskeyRefusal,
  Registration,
  SessionView,
} from '../people/console-call.ts'
import type { Principal } from '../people/principal.ts'
import { MINUTE_MS } from '../platform/time.ts'
import type { Bindings } from './bindings.ts'
import { operatorOf } from './operator.ts'
import { type DoorSettings, isStillIn, openFor, peopleOf, takesToken } from './sign-in.ts'

/**
 * The entrypoint that wrangler.console.toml binds. The session decides who acts, and what is shown here decides who gets a session:
 * the console cannot state a principal. A session that has ended is answered 401.
 */
export class OperatorApi extends WorkerEntrypoint<Bindings> implements EdgeWorker {
  /**
   * Opens a session for what a credential proves, and returns its secret id; null where it proves no one. Both outcomes are in the
   * audit log, the second one within {@link MAX_DENIALS}.
   */
  async signIn(credential: Credential, { agent }: { agent: string }): Promise<string | null> {
    const people = peopleOf(this.env)
    const opened = people && (await openFor(credential, agent, this.#door(), people))
    if (!opened) return null
    await this.#noteProof(opened.ok ? 'session.open' : 'session.denied', opened, agent)
    return opened.ok ? opened.session : null
  }

  /** Ends a session. */
  async signOut(session: string): Promise<void> {
    await peopleOf(this.env)?.close(session)
  }

  /** The principal of a session; null if it has ended. A session ends with the token that opened it. */
  async whoIs(session: string): Promise<Principal | null> {
    const who = await peopleOf(this.env)?.of(session)
    return who && isStillIn(who, this.#door()) ? who : null
  }

  /** The open sessions that a principal may see: the owner all, others their own. None if the session has ended. */
  async sessions(session: string): Promise<SessionView[]> {
    const who = await this.whoIs(session)
    return (who && (await peopleOf(this.env)?.list(session, reachOf(who)))) ?? []
  }

  /** Ends a session of {@link sessions}. Returns whether there was one. The act is in the audit log. */
  async endSession(session: string, id: string): Promise<boolean> {
    const who = await this.whoIs(session)
    const isEnded = (who && (await peopleOf(this.env)?.revoke(id, reachOf(who)))) ?? false
    const act = { what: 'session.end', subject: id, before: null, after: null }
    if (who && isEnded) await operatorOf(this.env).audit?.note({ who: who.id, ...act })
    return isEnded
  }

  /** Answers a request in the name of a session. */
  async ask(session: string, order: ConsoleOrder): Promise<ConsoleAnswer> {
    const { answers } = await this.askAll(session, [order])
    const [answer] = answers
    if (!answer) throw new Error('one order must have one answer')
    return answer
  }

  /** Answers several requests at once, with one look at the session. They must not depend on each other. */
  async askAll(session: string, orders: readonly ConsoleOrder[]): Promise<ConsoleAnswers> {
    if (orders.length > MAX_ORDERS)
      throw new RangeError(`at most ${MAX_ORDERS} requests can be asked at once`)
    const [who, { routesFor }, { failed, notFound, problem }] = await Promise.all([
      this.whoIs(session),
      import('../operator/api.ts'),
      import('../operator/response.ts'),
    ])
    const api = who && routesFor(operatorOf(this.env), who, Date.now).onError(failed).notFound(notFound)
    const answers = orders.map(async (order) => {
      const answer = await (api ? api.request(requestOf(order)) : problem('unauthorized'))
      return {
        status: answer.status,
        type: answer.headers.get('content-type') ?? '',
        text: await answer.text(),
      }
    })
    return { who, answers: await Promise.all(answers) }
  }

  /** How to sign in here. With a session: how the one who has it proves it again. */
  async door(session: string | null): Promise<Door> {
    const people = peopleOf(this.env)
    const who = session === null ? null : await this.whoIs(session)
    const challenge = (await people?.challenge(session)) ?? ''
    const door = this.#door()
    const isToken = who ? who.id.startsWith('token ') : takesToken(door)
    return { challenge, isAccess: door.access !== undefined, takesToken: isToken }
  }

  /** Whether a credential has proven again who has the session: the operator's token for its owner, a passkey for members. */
  async stepUp(session: string, credential: Credential): Promise<boolean> {
    const [who, people] = [await this.whoIs(session), peopleOf(this.env)]
    if (!who || !people || 'access' in credential || 'code' in credential) return false
    const isToken = who.id.startsWith('token ')
    const { tokenSha256 } = this.#door()
    const reason =
      'token' in credential
        ? isToken && (await hasToken(`Bearer ${credential.token}`, tokenSha256))
          ? await people.stepUp(session, null)
          : 'unknown'
        : await people.stepUp(session, credential.assertion)
    const proof = reason === null ? { ok: true as const, principal: who } : { ok: false as const, reason }
    await this.#noteProof(reason === null ? 'session.proof' : 'session.denied', proof, '')
    return reason === null
  }

  /** The passkeys of the member who has a session; null for the bearer of the operator's token. */
  async passkeys(session: string): Promise<OwnPasskeys | null> {
    return (await this.whoIs(session)) && ((await peopleOf(this.env)?.passkeys(session)) ?? null)
  }

  /** Adds a passkey to those of the member. Returns why not, or null. */
  async addPasskey(
    session: string,
    registration: Registration,
    name: string,
  ): Promise<PasskeyRefusal | null> {
    const people = (await this.whoIs(session)) && peopleOf(this.env)
    return people ? people.addPasskey(session, registration, name) : 'unknown'
  }

  /** Removes a passkey of the member. Returns why not, or null. */
  async removePasskey(session: string, id: string): Promise<PasskeyRefusal | null> {
    const people = (await this.whoIs(session)) && peopleOf(this.env)
    return people ? people.removePasskey(session, id) : 'unknown'
  }

  /** The member that an invitation is for; null if it was used or has ended. */
  async invitation(secret: string): Promise<OpenInvitation | null> {
    return (await peopleOf(this.env)?.invitation(secret)) ?? null
  }

  /** Uses up an invitation. Where Access is configured it opens no session: the member comes by Access. */
  async accept(secret: string, registration: Registration, { agent }: { agent: string }): Promise<Accepted> {
    const people = peopleOf(this.env)
    const opened = await people?.accept(secret, registration, agent)
    if (!opened) return { isAccepted: false, session: null }
    await this.#noteProof(opened.ok ? 'session.open' : 'session.denied', opened, agent)
    if (!opened.ok) return { isAccepted: false, session: null }
    if (!this.#door().access) return { isAccepted: true, session: opened.session }
    await people?.close(opened.session)
    return { isAccepted: true, session: null }
  }

  #door(): DoorSettings {
    const read = readConfig(this.env)
    if (!read.ok) return { tokenSha256: undefined, access: undefined }
    return { tokenSha256: read.config.operatorTokenSha256, access: read.config.access }
  }

  async #noteProof(
    what: string,
    proof: { ok: true; principal: Principal } | { ok: false; reason: string },
    client: string,
  ): Promise<void> {
    if (!proof.ok && !mayNoteDenial(Date.now())) return
    const subject = proof.ok ? proof.principal.id : 'unknown'
    const after = JSON.stringify(proof.ok ? { client } : { client, reason: proof.reason })
    await operatorOf(this.env).audit?.note({ who: subject, what, subject, before: null, after })
  }
}

/** The most requests of one call: a page asks fewer. */
const MAX_ORDERS = 50

function requestOf({ method = 'GET', path, body, revision, key }: ConsoleOrder): Request {
  const headers = new Headers(body === undefined ? {} : { 'content-type': 'application/json' })
  if (revision !== undefined) headers.set('if-match', `"${revision}"`)
  if (key !== undefined) headers.set('idempotency-key', key)
  return new Request(`https://${CONSOLE_HOST}${path}`, {
    method,
    headers,
    ...(body !== undefined && { body }),
  })
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
