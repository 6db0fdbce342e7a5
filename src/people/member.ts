/** Members, their API tokens and their invitations as data, without the object that stores them. */
import type { Right, Role } from './principal.ts'

/** One who signs in by a passkey or by Cloudflare Access. */
export type TeamMember = {
  id: string
  name: string
  /** In lower case. Cloudflare Access finds its member by it. */
  email: string | null
  role: Role
  /** The publisher whose sites alone are seen: for the roles of publishers, and null for all others. */
  publisher: string | null
  /** Unix milliseconds. */
  createdAt: number
}

/** The facts that an operator states of a member. */
export type MemberDraft = Pick<TeamMember, 'name' | 'email' | 'role' | 'publisher'>

/** A member as lists show it. Times in Unix milliseconds. */
export type MemberView = TeamMember & {
  /** How many passkeys it has. */
  passkeys: number
  /** When it registered its first passkey; null before it has accepted an invitation. */
  passkeyAt: number | null
  /** When it last showed one of its passkeys. */
  usedAt: number | null
  /** When its open invitation ends; null without one. */
  invitedUntil: number | null
}

/** A member with the secret of its new invitation, which is shown once. `endsAt` in Unix milliseconds. */
export type Invited = { member: TeamMember; invitation: string; endsAt: number }

/**
 * Why a call changed nothing. `unknown`: no such member or token. `email_taken`: another member has this address. `too_many`:
 * a limit is reached.
 */
export type PeopleRefusal = { ok: false; reason: 'unknown' | 'email_taken' | 'too_many' }

/** The answer to a change. */
export type PeopleAnswer<Value> = { ok: true; value: Value } | PeopleRefusal

/** An API token as lists show it. Times in Unix milliseconds. */
export type TokenView = {
  /** Names the token, and opens nothing. */
  id: string
  name: string
  /** The name of the one that it acts for. */
  owner: string
  scopes: readonly Right[]
  createdAt: number
  endsAt: number
  usedAt: number | null
}

/** A new API token with its secret, which is shown once. */
export type NewToken = { token: string; view: TokenView }

/** The facts that an API token is made from. `days`: how long it lasts. */
export type TokenDraft = { name: string; scopes: readonly Right[]; days: number }
