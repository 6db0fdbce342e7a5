/** Members, their passkeys and API tokens, and the sessions of the console: one Durable Object for a deployment. */
import { DurableObject } from 'cloudflare:workers'
import type { Act } from '../ledger/act.ts'
import {
  type Assertion,
  type AssertionFault,
  challengeIn,
  importPasskey,
  verifyAssertion,
} from './assertion.ts'
import { Codes, type SignInCode } from './codes.ts'
import type { OwnPasskeys, PasskeyRefusal, Registration, SessionView } from './console-call.ts'
import type {
  Invited,
  MemberDraft,
  MemberView,
  NewToken,
  PeopleAnswer,
  TeamMember,
  TokenDraft,
  TokenView,
} from './member.ts'
import { Members, principalOf } from './members.ts'
import { deviceIn, isDeviceName, MAX_PASSKEYS, Passkeys } from './passkeys.ts'
import { isFresh, type Principal } from './principal.ts'
import { hashOf, newSecret } from './secret.ts'
import { SESSION_MS, Sessions } from './sessions.ts'
import { createTables } from './tables.ts'
import { API_TOKEN, TOKEN_PREFIX, Tokens } from './tokens.ts'

/** The name of the one object. */
export const PEOPLE = 'people'

/** A session that was opened, or why there is none. `session` is its secret id, which is not stored. */
export type Opened =
  | { ok: true; session: string; principal: Principal }
  | { ok: false; reason: AssertionFault | 'unknown' | 'replayed' }

/** One act of a member, for the audit log. `before` and `after` are stored as JSON. */
type Deed = { who: string; what: string; subject: string; before?: object | null; after?: object | null }

/**
 * Secrets are stored as SHA-256 alone. A change is stored with its act in one transaction, and the audit log copies it from here.
 * `who` names the actor for it. Refusals are returned.
 */
export class People<Env = unknown> extends DurableObject<Env> {
  readonly #sql = this.ctx.storage.sql
  readonly #sessions = new Sessions(this.#sql)
  readonly #members = new Members(this.#sql)
  readonly #passkeys = new Passkeys(this.#sql)
  readonly #tokens = new Tokens(this.#sql)
  readonly #codes = new Codes(this.#sql)

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    createTables(ctx.storage.sql)
  }

  /**
   * Opens a session. `client` is its User-Agent, for the list. Returns the secret id. `provenAt`: when the principal showed its token;
   * undefined where it showed nothing here. `endsAt`: when it ends at the latest.
   */
  async open(
    principal: Principal,
    client: string,
    { provenAt, endsAt }: { provenAt?: number; endsAt?: number } = {},
  ): Promise<string> {
    const session = newSecret()
    const hash = await hashOf(session)
    const now = Date.now()
    const latest = Math.min(endsAt ?? Number.POSITIVE_INFINITY, now + SESSION_MS)
    this.ctx.storage.transactionSync(() =>
      this.#sessions.add({ hash, principal, client, provenAt: provenAt ?? null, endsAt: latest }, now),
    )
    return session
  }

  /** Makes a code that opens one session for a principal, within 15 minutes. */
  async makeCode(principal: Principal): Promise<SignInCode> {
    const code = newSecret()
    const hash = await hashOf(code)
    return this.ctx.storage.transactionSync(() => {
      this.#note({ who: principal.id, what: 'session.code', subject: principal.id })
      return { code, expiresAt: this.#codes.add(hash, principal, Date.now()) }
    })
  }

  /** Uses a code up. Returns its principal as it is now; null if it has ended, was used, or was never made. */
  async useCode(code: string): Promise<Principal | null> {
    return this.#current(this.#codes.take(await hashOf(code), Date.now()))
  }

  /** The principal of a session as it is now; null if it has ended, was never opened, or its member was removed. */
  async of(session: string): Promise<Principal | null> {
    return this.#current(this.#sessions.find(await hashOf(session), Date.now()))
  }

  /** Ends a session. */
  async close(session: string): Promise<void> {
    this.#sessions.drop(await hashOf(session))
  }

  /** The open sessions of a principal, or of all if `principal` is null. The latest first. `session` asks. */
  async list(session: string, principal: string | null): Promise<SessionView[]> {
    return this.#sessions.list(await hashOf(session), principal, Date.now())
  }

  /** Ends the session that a list names, of that principal unless `principal` is null. Returns whether there was one. */
  async revoke(id: string, principal: string | null): Promise<boolean> {
    return this.#sessions.revoke(id, principal)
  }

  /** A challenge for a passkey. With `session` it proves the one who has it again; without it signs in. */
  async challenge(session: string | null = null): Promise<string> {
    return this.#passkeys.challenge(await purposeOf(session), Date.now())
  }

  /** Opens a session for an assertion. */
  async signIn(assertion: Assertion, client: string): Promise<Opened> {
    const proven = await this.#prove(assertion, await purposeOf(null))
    if (!proven.ok) return proven
    return {
      ok: true,
      principal: proven.principal,
      session: await this.open(proven.principal, client, { provenAt: Date.now() }),
    }
  }

  /**
   * Stores that the principal of a session has proven itself again: by this assertion, or without one by a token that the caller
   * has checked. Returns why not, or null.
   */
  async stepUp(
    session: string,
    assertion: Assertion | null,
  ): Promise<'unknown' | 'replayed' | AssertionFault | null> {
    const principal = await this.of(session)
    if (!principal) return 'unknown'
    if (assertion) {
      const proven = await this.#prove(assertion, await purposeOf(session), principal.id)
      if (!proven.ok) return proven.reason
    }
    this.#sessions.prove(await hashOf(session), Date.now())
    return null
  }

  /** Every member, in order of name. */
  async members(): Promise<MemberView[]> {
    return this.#members.list(Date.now())
  }

  /** Adds a member and invites it. */
  async invite(who: string, draft: MemberDraft): Promise<PeopleAnswer<Invited>> {
    const invitation = newSecret()
    const hash = await hashOf(invitation)
    return this.ctx.storage.transactionSync(() => {
      const added = this.#members.add(draft, Date.now())
      if (!added.ok) return added
      const { value: member } = added
      this.#note({ who, what: 'member.invite', subject: member.id, after: draft })
      return {
        ok: true,
        value: { member, invitation, endsAt: this.#members.invite(member.id, hash, Date.now()) },
      }
    })
  }

  /** Invites a member again, for instance when its passkey was lost. An earlier invitation ends; the passkey stays until this one is used. */
  async inviteAgain(who: string, id: string): Promise<PeopleAnswer<Invited>> {
    const invitation = newSecret()
    const hash = await hashOf(invitation)
    return this.ctx.storage.transactionSync(() => {
      const member = this.#members.find(id)
      if (!member) return { ok: false, reason: 'unknown' }
      this.#note({ who, what: 'member.invite', subject: id, before: member, after: member })
      return { ok: true, value: { member, invitation, endsAt: this.#members.invite(id, hash, Date.now()) } }
    })
  }

  /** Changes a member. Its sessions and tokens have the new role at once. */
  async changeMember(
    who: string,
    id: string,
    change: Partial<MemberDraft>,
  ): Promise<PeopleAnswer<TeamMember>> {
    return this.ctx.storage.transactionSync(() => {
      const before = this.#members.find(id)
      const changed = this.#members.change(id, change)
      if (changed.ok) this.#note({ who, what: 'member.change', subject: id, before, after: changed.value })
      return changed
    })
  }

  /** Removes a member with its passkeys, sessions, tokens and invitation. */
  async removeMember(who: string, id: string): Promise<PeopleAnswer<TeamMember>> {
    return this.ctx.storage.transactionSync(() => {
      const member = this.#members.find(id)
      if (!member) return { ok: false, reason: 'unknown' }
      this.#passkeys.drop(id)
      this.#sessions.dropAllOf(id)
      this.#tokens.dropAllOf(id)
      this.#members.drop(id)
      this.#note({ who, what: 'member.remove', subject: id, before: member })
      return { ok: true, value: member }
    })
  }

  /** The member with this address, as the one who acts; null without one. */
  async byEmail(email: string): Promise<Principal | null> {
    const member = this.#members.byEmail(email)
    return member && principalOf(member)
  }

  /** The member whom an open invitation is for, with a challenge for its passkey; null if it was used or has ended. */
  async invitation(secret: string): Promise<{ member: TeamMember; challenge: string } | null> {
    const hash = await hashOf(secret)
    const member = this.#members.invited(hash, Date.now())
    return member && { member, challenge: await this.#passkeys.challenge(`invitation ${hash}`, Date.now()) }
  }

  /**
   * Uses up an invitation: registers the passkey, ends all earlier ones and what they opened, and opens a session. The console has read
   * the registration; its challenge, key and invitation are checked here.
   */
  async accept(
    secret: string,
    { id, key, counter, origin, challenge }: Registration,
    client: string,
  ): Promise<Opened> {
    const hash = await hashOf(secret)
    const isOurs = await this.#passkeys.isChallenge(challenge, `invitation ${hash}`, Date.now())
    if (!isOurs) return { ok: false, reason: 'challenge' }
    if (!(await importPasskey(key)) || !URL.canParse(origin)) return { ok: false, reason: 'malformed' }
    const principal = this.ctx.storage.transactionSync(() => {
      const member = this.#members.invited(hash, Date.now())
      // Threat: a passkey of another member stays with it.
      const other = this.#passkeys.find(id)
      if (!member || (other && other.member !== member.id)) return null
      this.#passkeys.drop(member.id)
      this.#passkeys.add({ id, member: member.id, name: deviceIn(client), key, counter, origin }, Date.now())
      this.#members.dropInvitation(member.id)
      this.#sessions.dropAllOf(member.id)
      this.#note({
        who: member.id,
        what: 'member.accept',
        subject: member.id,
        after: { passkey: id, origin },
      })
      return principalOf(member)
    })
    if (!principal) return { ok: false, reason: 'unknown' }
    return { ok: true, principal, session: await this.open(principal, client, { provenAt: Date.now() }) }
  }

  /** The passkeys of the member of a session; null for the bearer of the operator's token. */
  async passkeys(session: string): Promise<OwnPasskeys | null> {
    const who = await this.of(session)
    const member = who && this.#members.find(who.id)
    if (!member) return null
    const purpose = await purposeOf(session, 'passkey')
    const challenge = isFresh(who, Date.now()) ? await this.#passkeys.challenge(purpose, Date.now()) : null
    return { member, passkeys: this.#passkeys.list(member.id), challenge }
  }

  /** Adds a passkey to those of the member of a session, who has shown again who it is. Returns why not, or null. */
  async addPasskey(
    session: string,
    { id, key, counter, origin, challenge }: Registration,
    name: string,
  ): Promise<PasskeyRefusal | null> {
    const who = await this.of(session)
    const member = who && this.#members.find(who.id)
    if (!member) return 'unknown'
    // Threat: who has a stolen session must not make a way in that lasts.
    if (!isFresh(who, Date.now())) return 'proof_required'
    const isOurs = await this.#passkeys.isChallenge(
      challenge,
      await purposeOf(session, 'passkey'),
      Date.now(),
    )
    if (!isOurs || !isDeviceName(name) || !URL.canParse(origin) || !(await importPasskey(key)))
      return 'invalid'
    return this.ctx.storage.transactionSync(() => {
      if (this.#passkeys.list(member.id).length >= MAX_PASSKEYS) return 'too_many'
      const passkey = { id, member: member.id, name, key, counter, origin }
      const isAdded = this.#passkeys.spend(challenge, Date.now()) && this.#passkeys.add(passkey, Date.now())
      if (!isAdded) return 'invalid'
      this.#note({
        who: who.id,
        what: 'passkey.add',
        subject: member.id,
        after: { passkey: id, name, origin },
      })
      return null
    })
  }

  /** Removes a passkey of the member of a session, who has shown again who it is. Returns why not, or null. */
  async removePasskey(session: string, id: string): Promise<PasskeyRefusal | null> {
    const who = await this.of(session)
    if (!who) return 'unknown'
    if (!isFresh(who, Date.now())) return 'proof_required'
    return this.ctx.storage.transactionSync(() => {
      const all = this.#passkeys.list(who.id)
      const passkey = all.find((one) => one.id === id)
      if (!passkey) return 'unknown'
      if (all.length === 1 && !this.#members.isInvited(who.id, Date.now())) return 'last'
      this.#passkeys.remove(id)
      const before = { passkey: id, name: passkey.name }
      this.#note({ who: who.id, what: 'passkey.remove', subject: who.id, before })
      return null
    })
  }

  /** The API tokens of a principal, or of all if it is null. */
  async tokens(principal: string | null): Promise<TokenView[]> {
    return this.#tokens.list(principal, Date.now())
  }

  /** Makes an API token that acts for `principal`. */
  async addToken(who: string, principal: Principal, draft: TokenDraft): Promise<PeopleAnswer<NewToken>> {
    const token = `${TOKEN_PREFIX}${newSecret()}`
    const hash = await hashOf(token)
    return this.ctx.storage.transactionSync(() => {
      const added = this.#tokens.add(hash, principal, draft, Date.now())
      if (!added.ok) return added
      this.#note({ who, what: 'token.create', subject: added.value.id, after: added.value })
      return { ok: true, value: { token, view: added.value } }
    })
  }

  /** Ends an API token, of that principal unless `principal` is null. */
  async dropToken(who: string, id: string, principal: string | null): Promise<boolean> {
    return this.ctx.storage.transactionSync(() => {
      const isDropped = this.#tokens.drop(id, principal)
      if (isDropped) this.#note({ who, what: 'token.revoke', subject: id })
      return isDropped
    })
  }

  /** The one whom an API token acts for, as it is now and with the token's scopes; null for another text. */
  async ofToken(token: string): Promise<Principal | null> {
    if (!API_TOKEN.test(token)) return null
    return this.#current(this.#tokens.find(await hashOf(token), Date.now()))
  }

  /** Acts with `seq > after`, oldest first: the audit log copies them. */
  async acts(after: number, limit: number): Promise<Act[]> {
    return this.#sql.exec<Act>('SELECT * FROM act WHERE seq > ? ORDER BY seq LIMIT ?', after, limit).toArray()
  }

  /** A principal with the name, role and publisher that its member has now; null if the member was removed. */
  #current(stored: Principal | null): Principal | null {
    if (!stored?.id.startsWith('member-')) return stored
    const member = this.#members.find(stored.id)
    return member && { ...stored, ...principalOf(member) }
  }

  /** Verifies an assertion for a purpose, of that member alone where it is named, and uses up its challenge. */
  async #prove(
    assertion: Assertion,
    purpose: string,
    only?: string,
  ): Promise<
    { ok: true; principal: Principal } | { ok: false; reason: AssertionFault | 'unknown' | 'replayed' }
  > {
    const challenge = challengeIn(assertion) ?? ''
    if (!(await this.#passkeys.isChallenge(challenge, purpose, Date.now())))
      return { ok: false, reason: 'challenge' }
    const passkey = this.#passkeys.find(assertion.id)
    const member = passkey && this.#members.find(passkey.member)
    if (!passkey || !member || (only !== undefined && member.id !== only))
      return { ok: false, reason: 'unknown' }
    const verdict = await verifyAssertion(assertion, passkey, challenge)
    if (!verdict.ok) return verdict
    const isFirst = this.ctx.storage.transactionSync(() =>
      this.#passkeys.use(passkey, verdict.counter, challenge, Date.now()),
    )
    return isFirst ? { ok: true, principal: principalOf(member) } : { ok: false, reason: 'replayed' }
  }

  #note({ who, what, subject, before = null, after = null }: Deed): void {
    this.#sql.exec(
      'INSERT INTO act (at, who, what, subject, before, after) VALUES (?, ?, ?, ?, ?, ?)',
      ...[Date.now(), who, what, subject, before && JSON.stringify(before), after && JSON.stringify(after)],
    )
  }
}

/** The purpose of a challenge: to sign in, to prove the one who has this session again, or to give it another passkey. */
async function purposeOf(session: string | null, what: 'session' | 'passkey' = 'session'): Promise<string> {
  return session === null ? 'sign-in' : `${what} ${await hashOf(session)}`
}
