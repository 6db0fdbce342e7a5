/** Members and their invitations in SQL. */
import type { MemberDraft, MemberView, PeopleAnswer, TeamMember } from './member.ts'
import type { Principal, Role } from './principal.ts'

/** The most members. Beyond it a new one is refused. */
export const MAX_MEMBERS = 1_000
/** An invitation ends after so long. Milliseconds. */
export const INVITATION_MS = 24 * 3_600_000

type Row = Record<string, SqlStorageValue>

/** Members by id, and the hash of the one open invitation that each may have. Writes are in a transaction of the caller. */
export class Members {
  readonly #sql: SqlStorage

  constructor(sql: SqlStorage) {
    this.#sql = sql
  }

  /** Stores a new member. */
  add(draft: MemberDraft, now: number): PeopleAnswer<TeamMember> {
    if (Number(this.#row('SELECT count(*) AS members FROM member')?.members) >= MAX_MEMBERS)
      return { ok: false, reason: 'too_many' }
    return this.#put({ id: `member-${crypto.randomUUID().slice(0, 18)}`, ...draft, createdAt: now })
  }

  /** Changes a member. */
  change(id: string, change: Partial<MemberDraft>): PeopleAnswer<TeamMember> {
    const known = this.find(id)
    return known ? this.#put({ ...known, ...change }) : { ok: false, reason: 'unknown' }
  }

  #put(member: TeamMember): PeopleAnswer<TeamMember> {
    const { id, name, email, role, publisher, createdAt } = member
    const other = email === null ? null : this.byEmail(email)
    if (other && other.id !== id) return { ok: false, reason: 'email_taken' }
    const row = [id, name, email, role, publisher, createdAt]
    this.#sql.exec('INSERT OR REPLACE INTO member VALUES (?, ?, ?, ?, ?, ?)', ...row)
    return { ok: true, value: member }
  }

  /** Removes a member and its invitation. */
  drop(id: string): void {
    this.#sql.exec('DELETE FROM invitation WHERE member = ?', id)
    this.#sql.exec('DELETE FROM member WHERE id = ?', id)
  }

  find(id: string): TeamMember | null {
    return memberOf(this.#row('SELECT * FROM member WHERE id = ?', id))
  }

  byEmail(email: string): TeamMember | null {
    return memberOf(this.#row('SELECT * FROM member WHERE email = ?', email.toLowerCase()))
  }

  /** Every member, in order of name. */
  list(now: number): MemberView[] {
    const rows = this.#sql.exec(
      `SELECT member.*, count(passkey.id) AS passkeys, min(passkey.made_at) AS made_at, max(passkey.used_at) AS used_at,
         invitation.ends_at FROM member
         LEFT JOIN passkey ON passkey.member = member.id
         LEFT JOIN invitation ON invitation.member = member.id AND invitation.ends_at > ?
         GROUP BY member.id ORDER BY member.name, member.id`,
      now,
    )
    return [...rows].flatMap((row) => {
      const member = memberOf(row)
      if (!member) return []
      const { passkeys, made_at, used_at, ends_at } = row
      const seen = { passkeyAt: time(made_at), usedAt: time(used_at), invitedUntil: time(ends_at) }
      return { ...member, passkeys: Number(passkeys), ...seen }
    })
  }

  /** Stores the invitation of a member in the place of an earlier one. Returns when it ends. */
  invite(member: string, hash: string, now: number): number {
    const endsAt = now + INVITATION_MS
    this.#sql.exec(
      'INSERT OR REPLACE INTO invitation (hash, member, ends_at) VALUES (?, ?, ?)',
      hash,
      member,
      endsAt,
    )
    return endsAt
  }

  /** The member whom an open invitation is for; null if it was used, has ended, or was never made. */
  invited(hash: string, now: number): TeamMember | null {
    const row = this.#row('SELECT member FROM invitation WHERE hash = ? AND ends_at > ?', hash, now)
    return row ? this.find(String(row.member)) : null
  }

  /** Whether an invitation of a member is open. */
  isInvited(member: string, now: number): boolean {
    return this.#row('SELECT 1 FROM invitation WHERE member = ? AND ends_at > ?', member, now) !== undefined
  }

  /** Ends the invitation of a member. */
  dropInvitation(member: string): void {
    this.#sql.exec('DELETE FROM invitation WHERE member = ?', member)
  }

  #row(query: string, ...values: SqlStorageValue[]): Row | undefined {
    return this.#sql.exec(query, ...values).toArray()[0]
  }
}

/** A member as the one who acts. */
export function principalOf({ id, name, role, publisher }: TeamMember): Principal {
  return { id, name, role, publisher }
}

function memberOf(row: Row | undefined): TeamMember | null {
  if (!row) return null
  const { id, name, email, role, publisher, created_at } = row
  return {
    id: String(id),
    name: String(name),
    email: email === null ? null : String(email),
    role: String(role) as Role,
    publisher: publisher === null ? null : String(publisher),
    createdAt: Number(created_at),
  }
}

function time(value: SqlStorageValue | undefined): number | null {
  return value === null || value === undefined ? null : Number(value)
}
