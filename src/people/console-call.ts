/** The words between the console and the edge Worker: a request in the name of a session, its answer, and the principal. */
import type { Assertion } from './assertion.ts'
import type { TeamMember } from './member.ts'
import type { Principal } from './principal.ts'

/** A request to the operator's API. `path` begins below `/_tab402/api`, with its query. */
export type ConsoleOrder = {
  method?: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE'
  path: string
  body?: string
  /** The revision that the page was made from: the API refuses the change if somebody else has made one since. */
  revision?: number
  /** Makes a change happen once, however often it is sent. */
  key?: string
}

/** The answer of the API. `text` is the body as it was sent. */
export type ConsoleAnswer = { status: number; type: string; text: string }

/** A session as a list shows it. `id` is the first half of its hash; it opens nothing. `isThis`: the one that asks. */
export type SessionView = {
  id: string
  principal: string
  client: string
  openedAt: number
  usedAt: number
  isThis: boolean
}

/** A passkey as the console has read it from its registration. `key`: a public JWK. `origin`: of the console. */
export type Registration = { id: string; key: JsonWebKey; counter: number; origin: string; challenge: string }

/**
 * A proof of who signs in: the operator's token, a one-time code that its bearer has made, the assertion of a passkey, or the
 * assertion of Cloudflare Access.
 */
export type Credential = { token: string } | { code: string } | { assertion: Assertion } | { access: string }

/** A passkey as its member sees it. `name`: of the device. Times in Unix milliseconds. */
export type PasskeyView = { id: string; name: string; madeAt: number; usedAt: number | null }

/**
 * The passkeys of a member. `challenge`: for another one; null until the member has shown again who it is. `member`: whom the browser
 * makes it for.
 */
export type OwnPasskeys = { member: TeamMember; passkeys: PasskeyView[]; challenge: string | null }

/**
 * Why a passkey was neither added nor removed. `proof_required`: the member must show again who it is. `invalid`: the registration or its
 * name. `last`: without it the member would be locked out, as no invitation is open. `too_many`: it has the most already. `unknown`:
 * neither a member nor a passkey of it.
 */
export type PasskeyRefusal = 'proof_required' | 'invalid' | 'last' | 'too_many' | 'unknown'

/** How this deployment lets people in. `isAccess`: Cloudflare Access alone does. */
export type Door = { challenge: string; isAccess: boolean; takesToken: boolean }

/** The member that an invitation is for, and the challenge for the passkey. */
export type OpenInvitation = { member: TeamMember; challenge: string }

/** Whether an invitation was used up, and the secret id of the session that it opened: null where Access lets people in. */
export type Accepted = { isAccepted: boolean; session: string | null }

/** The answers to several requests, and who asked; null if the session has ended. */
export type ConsoleAnswers = { who: Principal | null; answers: ConsoleAnswer[] }

/**
 * The named entrypoint of the edge Worker. A session that has ended is answered as status 401. The methods below `ask` are missing
 * in an edge Worker that is one version behind.
 */
export type EdgeWorker = {
  /** Returns the secret id of the session: it goes into the cookie and nowhere else. Null where the credential proves no one. */
  signIn(credential: Credential, client: { agent: string }): Promise<string | null>
  signOut(session: string): Promise<void>
  whoIs(session: string): Promise<Principal | null>
  sessions(session: string): Promise<SessionView[]>
  endSession(session: string, id: string): Promise<boolean>
  ask(session: string, order: ConsoleOrder): Promise<ConsoleAnswer>
  /** Answers several requests with one look at the session. */
  askAll(session: string, orders: readonly ConsoleOrder[]): Promise<ConsoleAnswers>
  /** How to sign in. With a session: how to prove again who has it. */
  door(session: string | null): Promise<Door>
  /** Whether the credential has proven again who has the session. */
  stepUp(session: string, credential: Credential): Promise<boolean>
  /** Null for the bearer of the operator's token, which has none. */
  passkeys(session: string): Promise<OwnPasskeys | null>
  /** Adds a passkey to those of the member. Returns why not, or null. */
  addPasskey(session: string, registration: Registration, name: string): Promise<PasskeyRefusal | null>
  /** Removes a passkey of the member. Returns why not, or null. */
  removePasskey(session: string, id: string): Promise<PasskeyRefusal | null>
  /** Null if the invitation was used or has ended. */
  invitation(secret: string): Promise<OpenInvitation | null>
  /** Uses up an invitation. */
  accept(secret: string, registration: Registration, client: { agent: string }): Promise<Accepted>
}
