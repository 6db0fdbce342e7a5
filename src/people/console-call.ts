/** The words between the console and the edge Worker: a request in the name of a session, its answer, and the principal. */
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

/** The named entrypoint of the edge Worker. A session that has ended is answered as status 401. */
export type EdgeWorker = {
  /** Returns the secret id of the session: it goes into the cookie and nowhere else. Null for another token. */
  signIn(credential: { token: string }, client: { agent: string }): Promise<string | null>
  signOut(session: string): Promise<void>
  whoIs(session: string): Promise<Principal | null>
  sessions(session: string): Promise<SessionView[]>
  endSession(session: string, id: string): Promise<boolean>
  ask(session: string, order: ConsoleOrder): Promise<ConsoleAnswer>
}
